"""Generation parameters in the words of the contract."""

from parley.generation.v1 import generation_pb2
from servicekit.generation_parameters import PARAMETERS, GenerationParameters

_UNKNOWN = PARAMETERS.keys() - generation_pb2.GenerationParameters.DESCRIPTOR.fields_by_name.keys()
assert not _UNKNOWN, _UNKNOWN


def parameters_from_proto(message: generation_pb2.GenerationParameters) -> GenerationParameters:
    """What is said, the model aside, and what a later version would say."""
    return GenerationParameters.of({field.name: value for field, value in message.ListFields()})


def parameters_to_proto(parameters: GenerationParameters) -> generation_pb2.GenerationParameters:
    """What is said, the model aside."""
    return generation_pb2.GenerationParameters(**parameters.said())
