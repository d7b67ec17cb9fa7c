"""Functions that the tests give to their agents, and how a program answers the calls of them."""

import json


def _function(name: str, description: str, *parameters: str) -> dict:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": {
            "type": "object",
            "properties": properties,
            "required": list(parameters),
            "additionalProperties": False,
        },
        "strict": True,
    }


GET_WEATHER = _function("get_weather", "Tells the weather at a place.", "location")
CONVERT_CURRENCY = _function("convert_currency", "Converts an amount of money.", "amount", "currency")

WEATHER = "a light drizzle of 13 degrees"


def calls_of(response) -> list:
    """The function calls that a response asks for."""
    return [item for item in response.output if item.type == "function_call"]


def outputs_for(response, output: str = WEATHER) -> list[dict]:
    """The input that answers every call of a response."""
    for call in calls_of(response):
        json.loads(call.arguments)
    return [
        {"type": "function_call_output", "call_id": call.call_id, "output": output}
        for call in calls_of(response)
    ]
