//! The cookies of cookie mode, as they are written and read.

use crate::config::Environment;

/// A cookie that carries a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// The access token.
    Access,
    /// The refresh token.
    Refresh,
}

impl Cookie {
    /// Its name. Outside development it begins with `__Host-`: a browser then takes it only over TLS, from this very host and for the
    /// whole of it, so that neither a neighbouring subdomain nor plain http can put another in its place.
    pub fn name(self, environment: Environment) -> &'static str {
        match (self, environment) {
            (Self::Access, Environment::Development) => "polyphony_access",
            (Self::Refresh, Environment::Development) => "polyphony_refresh",
            (Self::Access, _) => "__Host-polyphony_access",
            (Self::Refresh, _) => "__Host-polyphony_refresh",
        }
    }

    /// A `Set-Cookie` value that keeps a token for so long; no time at all makes a browser forget it.
    pub fn written(self, environment: Environment, value: &str, seconds: u64) -> String {
        // A browser keeps Secure cookies on plain http only for localhost, and not every browser does.
        let secure = if environment == Environment::Development { "" } else { "; Secure" };
        let name = self.name(environment);
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cookie_keeps_its_browsers_rules() {
        for cookie in [Cookie::Access, Cookie::Refresh] {
            for environment in [Environment::Staging, Environment::Production] {
                let written = cookie.written(environment, "x", 60);
                assert!(written.starts_with("__Host-polyphony_"), "{written}");
                assert!(written.contains("; Path=/;") && written.ends_with("; Secure"), "{written}");
                assert!(!written.contains("Domain"), "{written}");
            }
            assert!(!cookie.written(Environment::Development, "x", 60).contains("Secure"));
        }
    }
}
