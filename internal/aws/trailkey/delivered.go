package trailkey

import (
	"strings"
	"time"
)

// The layouts of times in names.
const (
	minutes = "20060102T1504"
	seconds = "20060102T150405"
)

// Delivered returns the delivery time in the name of a CloudTrail file,
// account_CloudTrail[-kind]_…_time[_…], zero when there is none. The events inside
// happened before it.
func Delivered(name string) time.Time {
	for {
		_, rest, ok := strings.Cut(name, "_CloudTrail")
		if !ok {
			return time.Time{}
		}
		name = rest
		if kind, ok := strings.CutPrefix(rest, "-"); ok {
			if rest = strings.TrimLeftFunc(kind, letter); rest == kind {
				continue
			}
		}
		if !strings.HasPrefix(rest, "_") {
			continue
		}
		for z := 1; ; z++ {
			next := strings.IndexByte(rest[z:], 'Z')
			if next < 0 {
				break
			}
			z += next
			if z+1 == len(rest) || rest[z+1] != '_' && rest[z+1] != '.' {
				continue
			}
			for _, layout := range []string{minutes, seconds} {
				if z <= len(layout) || rest[z-len(layout)-1] != '_' {
					continue
				}
				if t, err := time.Parse(layout, rest[z-len(layout):z]); err == nil {
					return t
				}
			}
		}
	}
}

func letter(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }
