"""From and to an archive (PACS): query, retrieve and send, by DICOMweb and by DIMSE.

Nothing here connects or listens before a function is called that says so, and those are called only when the user asks.
A connection goes to the address of the archive and nowhere else: no proxy is used, and nobody is sent on.
"""
