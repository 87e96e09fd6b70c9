package fn

import (
	"math/rand/v2"

	"bluetrail/internal/vector"
)

func init() {
	varying(statistical, "random", "A whole number from 0 to 2147483647, another for every row.", func() vector.Value {
		return vector.Float(float64(rand.Int32()))
	}, `if(random() >= 0, 1, 2)`, `"1"`)
}
