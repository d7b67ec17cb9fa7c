"""`azure_function` in responses: a function that is called over queues, with keys and without."""

import json

import pytest

from azure_functions import AZURITE, KEY, FunctionApp
from projects import new_name
from test_streams import assert_gapless, streamed

pytestmark = pytest.mark.skipif(not AZURITE, reason="AZURITE_QUEUE names no Azurite; cargo xtask test sets it")
QUESTION = "What does the function say about Oslo?"


@pytest.fixture
def app():
    """The function and its queues."""
    app = FunctionApp()
    yield app
    app.close()


def tool(app) -> dict:
    """The tool."""
    return {"type": "azure_function", "azure_function": app.definition()}


async def test_a_function_is_called_with_the_key_of_its_account(sdk, app):
    name = new_name("queues")
    credentials = {"type": "ApiKey", "key": KEY}
    await sdk.put_connection(name, type="AzureStorageQueue", target=app.endpoint + "/", credentials=credentials)
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[tool(app)])
    call, output, message = response.output
    assert (call.type, call.name, call.status) == ("azure_function_call", "GetWeather", "completed")
    assert json.loads(call.arguments) == {"location": "Oslo"}
    assert (output.type, output.output) == ("azure_function_call_output", "sunny in Oslo")
    assert response.output_text == "The function says: sunny in Oslo"
    events = await streamed(sdk, model="scripted", input=QUESTION, tools=[tool(app)])
    assert_gapless(events)
    assert events[-1].response.output[1].output == "sunny in Oslo"
    await sdk.delete_connection(name)


async def test_without_a_connection_the_model_is_told_what_is_missing(sdk, app):
    response = await sdk.openai.responses.create(model="scripted", input=QUESTION, tools=[tool(app)])
    assert [item.status for item in response.output[:2]] == ["failed", "failed"]
    assert f"no connection with a key whose target is '{app.endpoint}'" in response.output_text
