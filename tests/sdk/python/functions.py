"""Functions that the tests give to their agents. What they return can be recognised in an answer."""

import json

from azure.ai.agents.models import FunctionTool


def get_weather(location: str) -> str:
    """Tells the weather at a place.

    :param location: The place.
    """
    return json.dumps({"weather": "a light drizzle of 13 degrees"})


def convert_currency(amount: str, currency: str) -> str:
    """Converts an amount of money into another currency.

    :param amount: The amount.
    :param currency: The currency to convert into.
    """
    return json.dumps({"converted": "four hundred doubloons"})


def definitions(*functions) -> list:
    """The tool definitions that the SDK derives from these functions."""
    return FunctionTool(set(functions)).definitions
