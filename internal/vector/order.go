package vector

import (
	"net/netip"
	"strings"
)

// CompareAuto orders two values as sort does by default: numbers as numbers,
// addresses as addresses, everything else by bytes. The kind is determined for
// each pair.
func CompareAuto(a, b Value) int {
	if x, ok := a.Num(); ok {
		if y, ok := b.Num(); ok {
			return floatOrder(x, y)
		}
	}
	s, t := a.Text(), b.Text()
	if c, ok := compareAddresses(s, t); ok {
		return c
	}
	return strings.Compare(s, t)
}

// AutoClass is 0 for numbers, 1 for addresses and 2 for other texts.
// CompareAuto is a strict order within a class; across classes it may be
// cyclic.
func AutoClass(v Value) int {
	if _, ok := v.Num(); ok {
		return 0
	}
	if _, ok := compareAddresses(v.Text(), "0.0.0.0"); ok {
		return 1
	}
	return 2
}

func floatOrder(x, y float64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

func compareAddresses(s, t string) (int, bool) {
	if !addressLike(s) || !addressLike(t) {
		return 0, false
	}
	x, err := netip.ParseAddr(s)
	if err != nil {
		return 0, false
	}
	y, err := netip.ParseAddr(t)
	if err != nil {
		return 0, false
	}
	return x.Compare(y), true
}

func addressLike(s string) bool {
	if len(s) < 2 || len(s) > 45 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && c != '.' && c != ':' && !(c|0x20 >= 'a' && c|0x20 <= 'f') {
			return false
		}
	}
	return true
}

// CompareNumbers orders values as numbers. Values that are not numbers come
// after all numbers, ordered by bytes.
func CompareNumbers(a, b Value) int {
	x, okx := a.Num()
	y, oky := b.Num()
	switch {
	case okx && oky:
		return floatOrder(x, y)
	case okx:
		return -1
	case oky:
		return 1
	}
	return strings.Compare(a.Text(), b.Text())
}

// CompareIPs orders values as addresses. Values that are not addresses come
// after all addresses, ordered by bytes.
func CompareIPs(a, b Value) int {
	x, errx := netip.ParseAddr(a.Text())
	y, erry := netip.ParseAddr(b.Text())
	switch {
	case errx == nil && erry == nil:
		return x.Compare(y)
	case errx == nil:
		return -1
	case erry == nil:
		return 1
	}
	return strings.Compare(a.Text(), b.Text())
}

func isDigit(c byte) bool { return c-'0' <= 9 }
