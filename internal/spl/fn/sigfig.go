package fn

import (
	"strconv"

	"bluetrail/internal/vector"
)

func init() {
	function(mathematical, "sigfig", "sigfig(<number>)", "The number rounded to the significant digits of its operands.", 1, 1, sigfig, "sigfig(1.00*1111)", `"1110"`)
	checked(numbers(), "sigfig")
}

func sigfig(a []vector.Value) vector.Value {
	f, ok := a[0].Num()
	if !ok {
		return null
	}
	if a[0].Sig() == 0 {
		return vector.Float(f)
	}
	g, err := strconv.ParseFloat(strconv.FormatFloat(f, 'e', a[0].Sig()-1, 64), 64)
	if err != nil {
		return null
	}
	return vector.Float(g)
}
