package fn

import (
	"math/rand/v2"

	"bluetrail/internal/vector"
)

func init() {
	varying(statistical, "random", "A random integer from 0 to 2147483647, different for every row.", func() vector.Value {
		return vector.Float(float64(rand.Int32()))
	}, `if(random() >= 0, 1, 2)`, `"1"`)
}
