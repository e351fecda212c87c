"""NumPy's rarer functions without a derivative by nature."""

from __future__ import annotations

import numpy as np

from gradtape.rules import bare

# Of a tensor's numbers, only what is constant between jumps.
bare(
    *(np.around, np.packbits, np.unpackbits, np.is_busday, np.busday_count, np.busday_offset),
    *(np.datetime_as_string, np.ix_, np.ravel_multi_index, np.unravel_index, np.einsum_path),
    *(np.diag_indices_from, np.tril_indices_from, np.triu_indices_from),
    *(np.may_share_memory, np.shares_memory),
)

# Text and files.
bare(
    *(np.array2string, np.array_repr, np.array_str),
    *(np.save, np.savez, np.savez_compressed, np.savetxt),
)
