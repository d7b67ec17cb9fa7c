"""What a project has beside its agents."""

import pytest
from azure.ai.projects.models import ModelDeployment
from azure.core.exceptions import ResourceNotFoundError

from awaited import collect


async def test_deployments_are_listed_and_read(sdk, model):
    names = [deployment.name for deployment in await collect(sdk.project.deployments.list())]
    assert {model, "scripted"} <= set(names)
    deployment = await sdk.project.deployments.get(model)
    assert isinstance(deployment, ModelDeployment)
    assert (deployment.name, deployment.type) == (model, "ModelDeployment")
    assert (deployment.model_name, deployment.model_publisher) == (model, "Cupola")
    assert dict(deployment.capabilities) == {"chat_completion": "true"}
    assert (deployment.sku.name, deployment.sku.capacity, deployment.sku.tier) == ("Standard", 1, "Standard")
    with pytest.raises(ResourceNotFoundError) as raised:
        await sdk.project.deployments.get("no-such-deployment")
    assert raised.value.error.code == "not_found"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"model_publisher": "local"}, {"upstream"}),
        ({"model_name": "the-upstreams-own-name"}, {"upstream"}),
        ({"model_publisher": "Cupola", "model_name": "scripted"}, {"scripted"}),
        ({"deployment_type": "ModelDeployment"}, {"offline", "scripted", "upstream"}),
        ({"model_publisher": "nobody"}, set()),
    ],
    ids=["publisher", "model", "both", "type", "nothing"],
)
async def test_deployments_are_filtered(sdk, filters, expected):
    found = await collect(sdk.project.deployments.list(**filters))
    assert {deployment.name for deployment in found} == expected
