//! Deployments: which models a project has.

use std::sync::Arc;

use cupola_wire::deployments::Deployment;

use crate::{
    ItemStream, Result,
    service::{Query, Service},
    values::values,
};

/// Deployments.
#[derive(Clone, Debug)]
pub struct Deployments {
    service: Arc<Service>,
}

/// Which deployments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeploymentQuery {
    /// Only those of models that this publisher made.
    pub model_publisher: Option<String>,
    /// Only those of this model.
    pub model_name: Option<String>,
}

impl Deployments {
    pub(crate) fn new(service: Arc<Service>) -> Self {
        Self { service }
    }

    /// One deployment.
    pub async fn get(&self, name: &str) -> Result<Deployment> {
        self.service.get(&["deployments", name], Query::new()).await
    }

    /// The deployments that the query asks for.
    pub fn list(&self, query: &DeploymentQuery) -> ItemStream<Deployment> {
        let filters = [("modelPublisher", &query.model_publisher), ("modelName", &query.model_name)];
        let query = filters.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        values(&self.service, &["deployments"], query)
    }
}
