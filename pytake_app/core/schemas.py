"""Base classes of what the API hears and says."""

from pydantic import BaseModel, ConfigDict


class RequestModel(BaseModel):
    """A request body: unknown fields are an error, so that a typing mistake never passes in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class View(BaseModel):
    """What an answer shows; made from rows with `model_validate(row)`."""

    model_config = ConfigDict(from_attributes=True)
