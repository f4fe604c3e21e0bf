"""The API that programs for OpenAI models speak: chat completions, responses, models."""
