"""What sRGB means as light."""

import numpy as np

# Linear sRGB to XYZ (IEC 61966-2-1). Its rows sum to D65 white, so grey has no chroma.
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
WHITE = TO_XYZ.sum(axis=1)
