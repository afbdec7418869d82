//! `token mint`: an access token, where the service holds an HS256 secret.

use auth_jwt::JwtSettings;
use secrecy::ExposeSecret;
use serde_json::json;

use super::{Context, Failure, clock};
use crate::cli::Token;
use crate::logging::LogSettings;

pub(crate) fn run(context: &Context, command: Token) -> Result<(), Failure> {
    let Token::Mint { user, ttl } = command;
    let mut reader = context.reader(&[]);
    let log = LogSettings::read(&mut reader, "warn");
    let settings = reader.adapter(|get| JwtSettings::read(get));
    let settings = Context::checked(reader, log, settings)?;
    let minted = auth_jwt::mint(&settings, &user, ttl, clock().now())
        .map_err(|error| Failure::failed("no token was made", &error))?;
    let token = minted.expose_secret();
    context.print(&json!({ "token": token }), || token.to_owned())
}
