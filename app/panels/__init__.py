"""The tool panels beside the views: each shows one part of the case and changes it through the model."""
