package fn_test

import "time"

var now = time.Unix(1700000000, 0).UTC()
