//! Sources of settings, their precedence, and forbidden flags.

use workspace_tests::portal::Portal;
use workspace_tests::process::Launch;
use workspace_tests::scenario::{Scenario, scenario};
use workspace_tests::settings::base;
use workspace_tests::wire::Request;
use workspace_tests::{canary, tokens};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!(flag_overrides_environment_and_environment_overrides_file(), "S1.precedence"),
    scenario!(one_trailing_newline_of_a_secret_file_is_ignored(), "S1.from_file"),
    scenario!(no_flag_accepts_a_secret(), "S1.no_secret_flag"),
];

fn flag_overrides_environment_and_environment_overrides_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    let text = "public_url = \"https://file.example\"\nlisten = \"127.0.0.2:0\"\nreturn_url_origins = [\"https://file.example\"]\n";
    std::fs::write(&file, text).unwrap();
    let config = file.display().to_string();
    let start = |environment: &[(&str, &str)], more: &[&str]| {
        let arguments = [&["serve", "--config", &config], more].concat();
        let mut launch = Launch::new(folder.path(), &arguments)
            .envs(&base(folder.path()))
            .without("BILLING_LISTEN");
        for (name, value) in environment {
            launch = launch.env(name, *value);
        }
        Portal::start_ready(&launch)
    };
    let kind = |portal: &Portal| {
        portal.send(&Request::new("POST", "/api/v1/subscriptions/portal")).json()["type"]
            .to_string()
    };

    let by_file = start(&[], &[]);
    assert_eq!(by_file.public.ip().to_string(), "127.0.0.2");
    assert!(kind(&by_file).contains("https://file.example/docs/errors/"), "{}", kind(&by_file));
    let by_environment = start(
        &[("BILLING_LISTEN", "127.0.0.3:0"), ("BILLING_PUBLIC_URL", "https://environment.example")],
        &[],
    );
    assert_eq!(by_environment.public.ip().to_string(), "127.0.0.3");
    assert!(
        kind(&by_environment).contains("https://environment.example/"),
        "{}",
        kind(&by_environment)
    );
    let by_flag = start(&[("BILLING_LISTEN", "127.0.0.3:0")], &["--listen", "127.0.0.4:0"]);
    assert_eq!(by_flag.public.ip().to_string(), "127.0.0.4");
}

fn one_trailing_newline_of_a_secret_file_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let mint = |secret: &str| {
        let file = folder.path().join("secret");
        std::fs::write(&file, secret).unwrap();
        let launch =
            Launch::new(folder.path(), &["token", "mint", "--user", "u"]).secrets_on_stdout();
        launch
            .env("BILLING_PROVIDER", "stripe")
            .env("BILLING_JWT_HS256_SECRET_FILE", file.display().to_string())
            .run()
    };
    let verifies = |token: &str, secret: &str| {
        let (message, signature) = token.trim().rsplit_once('.').unwrap();
        let key = jsonwebtoken::DecodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::crypto::verify(
            signature,
            message.as_bytes(),
            &key,
            jsonwebtoken::Algorithm::HS256,
        )
        .unwrap()
    };
    for ending in ["", "\n", "\r\n"] {
        let minted = mint(&format!("{}{ending}", tokens::SECRET)).expect_code(0).stdout;
        canary::plant_token(minted.trim());
        assert!(verifies(&minted, tokens::SECRET), "a secret with ending {ending:?} differs");
    }
    // Only one newline is cut. The second belongs to the secret or makes it invalid.
    let twice = mint(&format!("{}\n\n", tokens::SECRET));
    assert!(
        twice.code == Some(78) || !verifies(&twice.stdout, tokens::SECRET),
        "two newlines were cut"
    );
}

fn no_flag_accepts_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let commands: &[&[&str]] = &[
        &["--help"],
        &["serve", "--help"],
        &["migrate", "--help"],
        &["keys", "create", "--help"],
        &["keys", "list", "--help"],
        &["keys", "revoke", "--help"],
        &["keys", "rotate", "--help"],
        &["audit", "list", "--help"],
        &["audit", "export", "--help"],
        &["customers", "forget", "--help"],
        &["customers", "link", "--help"],
        &["customers", "show", "--help"],
        &["customers", "unlink", "--help"],
        &["token", "mint", "--help"],
        &["openapi", "--help"],
        &["sandbox", "--help"],
    ];
    for arguments in commands {
        let help = Launch::new(folder.path(), arguments).run().expect_code(0).stdout;
        let flags = help.split_whitespace().filter(|word| word.starts_with("--"));
        for flag in flags {
            let secret = ["secret", "pepper", "database-url", "public-key", "stripe"]
                .iter()
                .any(|word| flag.contains(word));
            assert!(!secret, "{arguments:?} accepts {flag}");
        }
    }
}
