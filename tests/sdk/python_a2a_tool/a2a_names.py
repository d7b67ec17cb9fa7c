"""What the script of the model goes by."""

NAME = "weather_office"
QUESTION = "Ask the weather office."
