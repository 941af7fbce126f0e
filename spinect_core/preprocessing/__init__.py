"""From a CT to what the network is shown, and back."""

from spinect_core.image.region import Region
from spinect_core.preprocessing.find_region import find_lumbosacral_region, recognised_region
from spinect_core.preprocessing.prepare import Prepared, prepare

__all__ = ["Prepared", "Region", "find_lumbosacral_region", "prepare", "recognised_region"]
