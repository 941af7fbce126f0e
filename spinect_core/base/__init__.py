"""What every room stands on: errors with a remedy, progress and cancelling, whole files, assets, versions."""
