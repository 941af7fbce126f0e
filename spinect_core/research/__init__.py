"""The laboratory: phantoms, training, studies and the making of the atlas. Nothing that plans a patient imports it."""
