//! Authentication: a root user, and a user whose rights end at a prefix.

use std::time::Duration;

use etcd_client::{Client, Permission};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Random, known to the member that gave it out only. Each use prolongs its life.
    Simple,
    /// Signed; any member accepts it, until its time is over.
    Jwt,
}

/// A server with authentication on: the user `root`, and one user with all rights on a prefix and none elsewhere.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The kind of token.
    pub token: Token,
    /// How long a token lives; whole seconds.
    pub token_ttl: Duration,
    /// The user's name: `worker`.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// root's password.
    pub root_password: String,
    /// Where the user has rights: `/go-core/`.
    pub prefix: String,
}

impl Auth {
    /// With simple tokens of that life.
    pub fn simple(token_ttl: Duration) -> Auth {
        Auth::new(Token::Simple, token_ttl)
    }

    /// With JWTs of that life.
    pub fn jwt(token_ttl: Duration) -> Auth {
        Auth::new(Token::Jwt, token_ttl)
    }

    /// The user's rights are below `prefix` instead of `/go-core/`.
    pub fn prefix(mut self, prefix: &str) -> Auth {
        self.prefix = prefix.to_owned();
        self
    }

    fn new(token: Token, token_ttl: Duration) -> Auth {
        Auth {
            token,
            token_ttl,
            user: "worker".into(),
            password: "worker's secret".into(),
            root_password: "root's secret".into(),
            prefix: "/go-core/".into(),
        }
    }

    /// `secret_file` holds the key that JWTs are signed with.
    pub(super) fn flags(&self, secret_file: &str) -> Vec<String> {
        let seconds = self.token_ttl.as_secs().max(1);
        // The cheapest bcrypt: the tests' time is not for hashing.
        let cost = "--bcrypt-cost=4".to_owned();
        match self.token {
            Token::Simple => vec![cost, "--auth-token=simple".into(), format!("--auth-token-ttl={seconds}")],
            Token::Jwt => {
                vec![cost, format!("--auth-token=jwt,sign-method=HS256,priv-key={secret_file},ttl={seconds}s")]
            }
        }
    }

    /// Creates users and roles, then turns authentication on.
    pub(crate) async fn enable(&self, client: &Client) -> Result<(), etcd_client::Error> {
        let mut auth = client.auth_client();
        auth.user_add("root", self.root_password.as_str(), None).await?;
        auth.user_grant_role("root", "root").await?;
        auth.role_add(self.user.as_str()).await?;
        let rights = Permission::read_write(self.prefix.as_str()).with_prefix();
        auth.role_grant_permission(self.user.as_str(), rights).await?;
        auth.user_add(self.user.as_str(), self.password.as_str(), None).await?;
        auth.user_grant_role(self.user.as_str(), self.user.as_str()).await?;
        auth.auth_enable().await?;
        Ok(())
    }
}
