"""Training of the network on labelled CT: sampling, augmentation, losses and the loop."""
