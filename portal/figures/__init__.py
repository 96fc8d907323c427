"""The figures of the order, published for everybody and drawn for operators; the card of the model."""
