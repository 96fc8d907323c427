"""The name of an organisation: verified by an operator or not, and which one residents read."""

from gadgets.models import Provider


def verified(provider: Provider) -> bool:
    """Whether an operator has looked at the name that the organisation has now."""
    return bool(provider.verified_name) and provider.verified_name == provider.name


def shown_name(provider: Provider) -> str:
    """The name that residents read; of a gadget that is not published yet, as it was registered."""
    return provider.verified_name or provider.name
