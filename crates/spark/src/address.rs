//! Where a cluster is: `spark://host:15002`, and for those that ask for it a token.

use url::Url;

/// A server of Spark Connect.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// As the client takes it, with the token.
    pub connection: String,
    /// As people may see it.
    pub shown: String,
}

/// The port of a Spark Connect server, where none is named.
const PORT: u16 = 15_002;

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
        Ok(Self { connection, shown })
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
        let address = Address::parse("spark://[::1]").unwrap();
        assert_eq!(address.connection, "sc://[::1]:15002");
    }

    #[test]
    fn what_is_none_is_refused_without_a_word_of_it() {
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
