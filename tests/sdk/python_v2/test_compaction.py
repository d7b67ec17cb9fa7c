"""Long histories: counted before they are sent, and made short."""

import pytest
from openai import BadRequestError

SAID = [
    {"role": "user", "content": "how many do you see?"},
    {"role": "assistant", "content": "I see one message of yours."},
    {"role": "user", "content": "how many do you see now?"},
]


async def test_tokens_are_counted_without_asking_the_model(sdk, model):
    short = await sdk.openai.responses.input_tokens.count(model=model, input="Hello")
    long = await sdk.openai.responses.input_tokens.count(model=model, input=SAID, instructions="Be kind.")
    assert (short.object, 0 < short.input_tokens < long.input_tokens) == ("response.input_tokens", True)


async def test_a_history_is_compacted_and_the_next_response_goes_on_with_it(sdk):
    compacted = await sdk.openai.responses.compact(model="scripted", input=SAID)
    assert (compacted.object, compacted.id.startswith("resp_")) == ("response.compaction", True)
    *kept, compaction = compacted.output
    assert compaction.type == "compaction"
    assert compaction.encrypted_content
    assert {item.role for item in kept} <= {"user"}
    assert compacted.usage.total_tokens > 0
    said = [item.to_dict(warnings=False) for item in compacted.output]
    response = await sdk.openai.responses.create(
        model="scripted", input=[*said, {"role": "user", "content": "Hello"}]
    )
    assert response.status == "completed"


async def test_a_chain_is_compacted(sdk):
    first = await sdk.openai.responses.create(model="scripted", input="how many do you see?")
    compacted = await sdk.openai.responses.compact(model="scripted", previous_response_id=first.id)
    assert compacted.output[-1].type == "compaction"


async def test_a_compaction_that_somebody_made_up_is_refused(sdk):
    made_up = {"type": "compaction", "encrypted_content": "made-up"}
    with pytest.raises(BadRequestError) as raised:
        await sdk.openai.responses.create(model="scripted", input=[made_up])
    assert raised.value.code == "invalid_encrypted_content"
