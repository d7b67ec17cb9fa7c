//! Sets a client up from environment variables, so that a program needs no code for it.

use std::sync::Arc;

use azure_core::credentials::Secret;

use crate::{ClientOptions, Error, ManagedIdentity, Result, connect, service::Service, transport::transport};

const ENDPOINTS: [&str; 3] = ["PROJECT_ENDPOINT", "AZURE_AI_PROJECT_ENDPOINT", "FOUNDRY_PROJECT_ENDPOINT"];

/// The project that the variables describe.
pub(crate) fn project(
    variable: impl Fn(&str) -> Option<String>,
    mut options: ClientOptions,
) -> Result<Service> {
    let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let endpoint = ENDPOINTS
        .iter()
        .find_map(|name| variable(name))
        .ok_or_else(|| Error::Setup(format!("no endpoint: set one of {}", ENDPOINTS.join(", "))))?;
    let (Some(token_endpoint), Some(header)) = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER"))
    else {
        let message = "no credential: set IDENTITY_ENDPOINT and IDENTITY_HEADER (`cupola env` prints them), \
            or give one to ProjectClient::new";
        return Err(Error::Setup(message.to_owned()));
    };
    if let Some(path) = variable("SSL_CERT_FILE") {
        let pem = std::fs::read(&path).map_err(|source| Error::File { path: path.into(), source })?;
        options.ca_pem = Some(pem);
    }
    let transport = transport(&options)?;
    let retry = options.azure.retry.clone();
    let credential = ManagedIdentity::new(&token_endpoint, Secret::new(header), transport.clone(), retry)?
        .for_client(variable("AZURE_CLIENT_ID"));
    connect::with_credential(&endpoint, Arc::new(credential), options, transport)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn project_of(variables: &[(&str, &str)]) -> Result<Service> {
        let find = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        project(find, ClientOptions::default())
    }

    const IDENTITY: [(&str, &str); 2] =
        [("IDENTITY_ENDPOINT", "http://127.0.0.1:9/token"), ("IDENTITY_HEADER", "s3cret")];

    #[test]
    fn any_of_the_three_endpoint_variables_will_do() {
        for name in ENDPOINTS {
            let found =
                project_of(&[IDENTITY[0], IDENTITY[1], (name, "https://localhost/api/projects/demo/")]);
            assert_eq!(found.unwrap().endpoint.as_str(), "https://localhost/api/projects/demo");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = project_of(&IDENTITY).unwrap_err().to_string();
        assert!(error.contains("PROJECT_ENDPOINT"), "{error}");
        let error = project_of(&[("PROJECT_ENDPOINT", "https://localhost/p")]).unwrap_err().to_string();
        assert!(error.contains("IDENTITY_ENDPOINT"), "{error}");
    }

    #[test]
    fn an_unreadable_certificate_file_is_named() {
        let missing = ("SSL_CERT_FILE", "/nowhere/ca.pem");
        let error =
            project_of(&[IDENTITY[0], IDENTITY[1], ("PROJECT_ENDPOINT", "https://localhost/p"), missing])
                .unwrap_err();
        assert!(error.to_string().starts_with("/nowhere/ca.pem: "), "{error}");
    }

    #[test]
    fn the_identity_header_is_not_in_the_debug_output() {
        let project = project_of(&[IDENTITY[0], IDENTITY[1], ("PROJECT_ENDPOINT", "https://localhost/p")]);
        assert!(!format!("{project:?}").contains("s3cret"));
    }
}
