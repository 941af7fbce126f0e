"""Objects of DICOM that are made of a plan: pictures, documents and segmentations that belong to a CT."""
