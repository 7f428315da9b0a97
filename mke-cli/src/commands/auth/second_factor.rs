//! `ucp auth second-factor`: one's own second factor, and an administrator's way to switch off that of others.
//! `ucp auth unlock`: opens an account that failed logins have locked.

use clap::Subcommand;
use mke_auth::second_factor::otpauth::Picture;
use mke_core::secret::Secret;
use reqwest::Method;
use serde_json::{Value, json};

use crate::api::{Client, escape};
use crate::commands::login::hidden;
use crate::commands::names::text;
use crate::commands::passwd::from_stdin;
use crate::error::CliError;
use crate::output::Output;

/// Where the password comes from.
#[derive(Debug, clap::Args)]
pub(crate) struct Password {
    /// Read the password from standard input.
    #[arg(long)]
    password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Show whether an account has a second factor.
    Show {
        /// Name or id.
        name: String,
    },
    /// Make a seed for your authenticator app and show it once, as a QR code and as text. Asks for your password.
    Enrol {
        /// Your name.
        name: String,
        #[command(flatten)]
        password: Password,
    },
    /// Switch it on with the first code of the app. Shows the recovery codes once; your other sessions end.
    Confirm {
        /// Your name.
        name: String,
        /// The six digits; asked for otherwise.
        #[arg(long)]
        code: Option<String>,
    },
    /// Make new recovery codes; the old ones open nothing any more.
    RecoveryCodes {
        /// Your name.
        name: String,
        /// A code of the app or a recovery code; asked for otherwise.
        #[arg(long)]
        code: Option<String>,
        #[command(flatten)]
        password: Password,
    },
    /// Switch it off: your own with password and code, that of somebody else as an administrator.
    Disable {
        /// Name or id.
        name: String,
        /// A code of the app or a recovery code; asked for otherwise.
        #[arg(long)]
        code: Option<String>,
        #[command(flatten)]
        password: Password,
    },
}

fn path(name: &str, rest: &str) -> String {
    format!("/accounts/{}/secondFactor{rest}", escape(name))
}

pub(super) async fn run(command: Command, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    match command {
        Command::Show { name } => {
            let shown: Value = client.get(&path(&name, "")).await?;
            output.value(&shown, |shown| {
                if shown.get("enabled") == Some(&json!(true)) {
                    format!(
                        "on since {}, {} recovery codes left",
                        text(shown, "since"),
                        text(shown, "recoveryCodesLeft")
                    )
                } else {
                    "off".to_owned()
                }
            })
        }
        Command::Enrol { name, password } => {
            let password = ask_password(&password, output)?;
            let body = json!({ "password": password.expose() });
            let made: Value = client.send_json(Method::POST, &path(&name, ""), &body).await?;
            output.value(&made, |made| {
                let picture = Picture::of(&Secret::new(text(made, "uri"))).map(|picture| picture.terminal());
                format!(
                    "{}\nsecret: {}\naddress: {}\nvalid until: {}",
                    picture.unwrap_or_default(),
                    text(made, "secret"),
                    text(made, "uri"),
                    text(made, "expires")
                )
            })?;
            output.remark(&format!(
                "scan this with your app, it is not shown again; then run `ucp auth second-factor confirm {name}`"
            ));
            Ok(())
        }
        Command::Confirm { name, code } => {
            let code = ask_code(code, output)?;
            let body = json!({ "code": code.expose() });
            let made: Value = client
                .send_json(Method::POST, &path(&name, "/confirm"), &body)
                .await?;
            output.remark("the second factor is on and your other sessions have ended");
            show_codes(&made, output)
        }
        Command::RecoveryCodes { name, code, password } => {
            let body = both(&password, code, output)?;
            let made: Value = client
                .send_json(Method::POST, &path(&name, "/recoveryCodes"), &body)
                .await?;
            show_codes(&made, output)
        }
        Command::Disable { name, code, password } => {
            let me: Value = client.get("/id/").await?;
            if [text(&me, "name"), text(&me, "id")].contains(&name) {
                let body = both(&password, code, output)?;
                let _: Value = client
                    .send_json(Method::POST, &path(&name, "/disable"), &body)
                    .await?;
            } else {
                client.call(Method::DELETE, &path(&name, "")).await?;
            }
            output.remark(&format!("the second factor of {name} is off"));
            Ok(())
        }
    }
}

/// `ucp auth unlock`.
pub(super) async fn unlock(name: &str, client: &Client, output: &mut Output<'_>) -> Result<(), CliError> {
    let path = format!("/accounts/{}/loginLock", escape(name));
    let answer: Value = client.send_json(Method::DELETE, &path, &json!({})).await?;
    output.remark(&if answer.get("wasLocked") == Some(&json!(true)) {
        format!("{name} was locked and can log in again")
    } else {
        format!("{name} was not locked; its failed logins are forgotten")
    });
    Ok(())
}

fn show_codes(made: &Value, output: &mut Output<'_>) -> Result<(), CliError> {
    output.remark("recovery codes, each opens one login in the place of a code; they are not shown again:");
    output.value(made, |made| {
        let codes = made.get("recoveryCodes").and_then(Value::as_array);
        let codes: Vec<&str> = codes.into_iter().flatten().filter_map(Value::as_str).collect();
        codes.join("\n")
    })
}

fn both(password: &Password, code: Option<String>, output: &mut Output<'_>) -> Result<Value, CliError> {
    let password = ask_password(password, output)?;
    let code = ask_code(code, output)?;
    Ok(json!({ "password": password.expose(), "code": code.expose() }))
}

fn ask_password(from: &Password, output: &mut Output<'_>) -> Result<Secret, CliError> {
    if from.password_stdin {
        from_stdin()
    } else {
        hidden(output, "Your password: ")
    }
}

fn ask_code(given: Option<String>, output: &mut Output<'_>) -> Result<Secret, CliError> {
    match given {
        Some(code) => Ok(Secret::new(code)),
        None => output.ask("Code: ").map(|code| Secret::new(code.trim())),
    }
}
