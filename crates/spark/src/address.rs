//! Where a cluster is: `spark://host:15002`, and for those that ask for it a token.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use url::Url;

/// A server of Spark Connect.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As the client takes it, with the token.
    pub connection: String,
    /// As people may see it.
    pub shown: String,
    host: String,
    port: u16,
    /// What must never be shown.
    secrets: Vec<String>,
}

/// The port of a Spark Connect server, where none is named.
const PORT: u16 = 15_002;

/// How long a server may take to accept a connection.
const PATIENCE: Duration = Duration::from_secs(5);

impl Address {
    /// Reads `spark://host:15002`, or `spark://host:15002/;use_ssl=true;token=…` with the parameters of Spark Connect's own
    /// addresses (Spark's `connect/docs/client-connection-string.md`). The error says what was expected, and repeats nothing.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let expected = "expected `spark://HOST:15002`";
        let url = Url::parse(text).map_err(|_| expected.to_owned())?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let (Some(host), "spark", "", None) = (host, url.scheme(), url.username(), url.password())
        else {
            return Err(expected.to_owned());
        };
        let parameters = match url.path() {
            "" | "/" => "",
            path => path.strip_prefix("/;").ok_or(
                "expected nothing behind the port, or parameters such as `/;use_ssl=true`",
            )?,
        };
        let port = url.port().unwrap_or(PORT);
        let shown = format!("spark://{host}:{port}");
        let connection = match parameters {
            "" => format!("sc://{host}:{port}"),
            parameters => format!("sc://{host}:{port}/;{parameters}"),
        };
        let values = parameters.split(';');
        let values = values.filter_map(|parameter| parameter.split_once('='));
        let secrets =
            values.filter(|(name, _)| !matches!(*name, "use_ssl" | "user_id" | "user_agent"));
        Ok(Self {
            secrets: secrets.map(|(_, value)| value.to_owned()).collect(),
            // An address of IPv6 stands in brackets in a URL only.
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
            connection,
            shown,
        })
    }

    /// Whether anybody listens there. The error says why not.
    pub(crate) fn is_there(&self) -> Result<(), String> {
        let addresses = (self.host.as_str(), self.port).to_socket_addrs();
        let addresses = addresses.map_err(|error| format!("its name is not known: {error}"))?;
        let mut reason = "its name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(_) => return Ok(()),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(format!("{reason}; is the Spark Connect server running?"))
    }

    /// A text without our secrets.
    pub(crate) fn clear(&self, text: &str) -> String {
        let text = text.replace(&self.connection, &self.shown);
        let secrets = self.secrets.iter().filter(|secret| !secret.is_empty());
        secrets.fold(text, |text, secret| {
            text.replace(secret.as_str(), "(secret)")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_see_has_no_token() {
        let address = Address::parse("spark://lake.example:443/;use_ssl=true;token=5150").unwrap();
        assert_eq!(
            address.connection,
            "sc://lake.example:443/;use_ssl=true;token=5150"
        );
        assert_eq!(address.shown, "spark://lake.example:443");
        let said = format!("{} does not know 5150", address.connection);
        let cleared = "spark://lake.example:443 does not know (secret)";
        assert_eq!(address.clear(&said), cleared);
        let address = Address::parse("spark://[::1]").unwrap();
        assert_eq!(address.connection, "sc://[::1]:15002");
    }

    #[test]
    fn what_is_no_address_is_refused_without_repeating_it() {
        for text in [
            "",
            "spark",
            "http://host",
            "spark://",
            "spark://u:secret@host",
            "spark://host/secret",
        ] {
            let expected = Address::parse(text).err().unwrap();
            assert!(expected.starts_with("expected "), "{text}");
            assert!(!expected.contains("secret"));
        }
    }
}
