"""What a project has beside its agents."""

import pytest
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect


async def test_deployments_are_listed_and_read(sdk, model):
    names = [deployment.name for deployment in await collect(sdk.project.deployments.list())]
    assert {model, "scripted"} <= set(names)
    deployment = await sdk.project.deployments.get(model)
    assert (deployment.name, deployment.type) == (model, "ModelDeployment")
    assert deployment.model_name
    with pytest.raises(ResourceNotFoundError):
        await sdk.project.deployments.get("no-such-deployment")


async def test_a_project_without_connections_lists_none(sdk):
    assert await collect(sdk.project.connections.list()) == []


async def test_the_openai_client_lists_the_deployments_as_models(sdk, model):
    models = await collect(sdk.openai.models.list())
    assert model in [listed.id for listed in models]
