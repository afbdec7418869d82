//! `token mint`: creates an access token if the service has an HS256 secret.

use auth_jwt::JwtSettings;
use secrecy::ExposeSecret;
use serde_json::json;

use super::Context;
use crate::cli::Token;
use crate::failure::Failure;
use crate::logging::LogSettings;
use crate::wiring::clock::clock;

pub(crate) fn run(context: &Context, command: Token) -> Result<(), Failure> {
    let Token::Mint { user, ttl } = command;
    let mut settings = context.settings();
    let log = LogSettings::read(&mut settings.reader, "warn");
    settings.supply_token_secret();
    let tokens = settings.reader.adapter(|get| JwtSettings::read(get));
    let tokens = settings.start(log, tokens)?;
    let minted = auth_jwt::mint(&tokens, &user, ttl, clock().now())
        .map_err(|error| Failure::failed("the token was not created", &error))?;
    let token = minted.expose_secret();
    context.print(&json!({ "token": token }), || token.to_owned())
}
