package splunktime

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// maxTimeText bounds what FormatTime writes.
const maxTimeText = 4096

// FormatTime writes t as Splunk's strftime does: %Y-%m-%dT%H:%M:%S.%3N%:z and
// so on; %N is nanoseconds and %Q milliseconds unless a digit says how many.
// What is no known variable stands as it is written.
func FormatTime(t time.Time, format string) string {
	var buf [64]byte
	b := buf[:0]
	for i := 0; i < len(format) && len(b) < maxTimeText; i++ {
		if format[i] != '%' || i+1 == len(format) {
			b = append(b, format[i])
			continue
		}
		v := timeVariable(format[i:])
		from := len(b)
		var ok bool
		if b, ok = v.append(b, t); ok {
			b = v.padded(b, from)
		} else {
			b = append(b, format[i:i+v.length]...)
		}
		i += v.length - 1
	}
	return string(b)
}

// TimeGrain returns how many seconds on end have the same text in a format: 1,
// 60 or 900, within which no zone changes its offset; 0 when fractions of a
// second are shown.
func TimeGrain(format string) float64 {
	grain := 900.0
	for i := 0; i+1 < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		v := timeVariable(format[i:])
		i += v.length - 1
		switch _, sub := fraction(v.spec); {
		case sub || v.spec == "f":
			return 0
		case strings.Contains("S s T X c + r", v.spec):
			grain = 1
		case v.spec == "M" || v.spec == "R":
			grain = min(grain, 60)
		}
	}
	return grain
}

// variable is a variable of a time format.
type variable struct {
	spec   string // its letter, with the colons or the digit before it
	flag   byte   // - no padding, _ blanks, 0 zeros, ^ capitals; 0 = none
	length int    // of what is written, with the %
}

// timeVariable reads the variable at the start of s, which begins with % and
// does not end there.
func timeVariable(s string) variable {
	v := variable{}
	n := 1
	if c := s[n] | 0x20; c >= 'a' && c <= 'z' && c != 'e' && c != 'o' { // the usual case
		return variable{spec: s[n : n+1], length: 2}
	}
	if strings.IndexByte("-_^", s[n]) >= 0 || s[n] == '0' && n+1 < len(s) && !isDigit(s[n+1]) {
		v.flag = s[n]
		n++
	}
	start := n
	if n+1 < len(s) && (s[n] == 'E' && strings.IndexByte("cCxXyYdz", s[n+1]) >= 0 || s[n] == 'O' && strings.IndexByte("dehHIkmMSuUVwWy", s[n+1]) >= 0) {
		n++
		if s[n] != 'z' { // no other form than the usual one is known
			start = n
		}
	}
	for n < len(s)-1 && (s[n] == ':' || isDigit(s[n])) {
		n++
	}
	if n >= len(s) {
		n = len(s) - 1
	}
	v.spec, v.length = s[start:n+1], n+1
	return v
}

func twoDigits(b []byte, n int) []byte { return append(b, '0'+byte(n/10), '0'+byte(n%10)) }

// padded applies the flag to what stands in b from a place on.
func (v *variable) padded(b []byte, from int) []byte {
	if v.flag == 0 {
		return b
	}
	text := b[from:]
	switch v.flag {
	case '-':
		i := 0
		for i < len(text)-1 && (text[i] == '0' || text[i] == ' ') {
			i++
		}
		return append(b[:from], text[i:]...)
	case '_':
		for i := 0; i < len(text)-1 && text[i] == '0'; i++ {
			text[i] = ' '
		}
	case '0':
		for i := 0; i < len(text)-1 && text[i] == ' '; i++ {
			text[i] = '0'
		}
	case '^':
		copy(text, bytes.ToUpper(text)) // names of days, months and zones are ASCII
	}
	return b
}

// layouts are the variables that the library knows as layouts.
var layouts = map[string]string{
	"Y": "2006", "y": "06", "m": "01", "d": "02", "e": "_2", "H": "15", "I": "03", "M": "04", "S": "05", "p": "PM", "P": "pm",
	"j": "002", "a": "Mon", "A": "Monday", "b": "Jan", "h": "Jan", "B": "January", "F": "2006-01-02", "T": "15:04:05", "R": "15:04",
	"D": "01/02/06", "z": "-0700", ":z": "-07:00", "::z": "-07:00:00", "Z": "MST", "c": "Mon Jan _2 15:04:05 2006",
	"x": "01/02/06", "X": "15:04:05", "+": "Mon Jan _2 15:04:05 MST 2006", "r": "03:04:05 PM", "v": "_2-Jan-2006",
}

// append writes the variable; false when there is none of this name.
func (v *variable) append(b []byte, t time.Time) ([]byte, bool) {
	if len(v.spec) == 1 {
		switch v.spec[0] { // those that most formats have
		case 'Y':
			if y := t.Year(); y >= 0 && y <= 9999 {
				return twoDigits(twoDigits(b, y/100), y%100), true
			}
		case 'm':
			return twoDigits(b, int(t.Month())), true
		case 'd':
			return twoDigits(b, t.Day()), true
		case 'H':
			return twoDigits(b, t.Hour()), true
		case 'M':
			return twoDigits(b, t.Minute()), true
		case 'S':
			return twoDigits(b, t.Second()), true
		}
	}
	if layout := layouts[v.spec]; layout != "" {
		return t.AppendFormat(b, layout), true
	}
	number := func(format string, n int) ([]byte, bool) { return fmt.Appendf(b, format, n), true }
	switch v.spec {
	case "%":
		return append(b, '%'), true
	case "n":
		return append(b, '\n'), true
	case "t":
		return append(b, '\t'), true
	case "s":
		return strconv.AppendInt(b, t.Unix(), 10), true
	case "f":
		return number("%06d", t.Nanosecond()/1000)
	case "k":
		return number("%2d", t.Hour())
	case "l":
		return number("%2d", (t.Hour()+11)%12+1)
	case "w":
		return number("%d", int(t.Weekday()))
	case "u":
		return number("%d", (int(t.Weekday())+6)%7+1)
	case "U":
		return number("%02d", (t.YearDay()+6-int(t.Weekday()))/7)
	case "W":
		return number("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7)
	case "V":
		_, week := t.ISOWeek()
		return number("%02d", week)
	case "G":
		year, _ := t.ISOWeek()
		return number("%04d", year)
	case "g":
		year, _ := t.ISOWeek()
		return number("%02d", year%100)
	case "C":
		return number("%02d", t.Year()/100)
	case "Ez":
		_, offset := t.Zone()
		return number("%+d", offset/60)
	case ":::z":
		layout := "-07"
		if _, offset := t.Zone(); offset%60 != 0 {
			layout = "-07:00:00"
		} else if offset%3600 != 0 {
			layout = "-07:00"
		}
		return t.AppendFormat(b, layout), true
	}
	if digits, ok := fraction(v.spec); ok {
		return append(b, fmt.Sprintf("%09d", t.Nanosecond())[:digits]...), true
	}
	return b, false
}

// fraction reads N, 3N, Q, 6Q …: how many digits of the second are meant.
func fraction(spec string) (digits int, ok bool) {
	if spec == "" || spec[len(spec)-1] != 'N' && spec[len(spec)-1] != 'Q' {
		return 0, false
	}
	switch width := spec[:len(spec)-1]; {
	case width == "" && strings.HasSuffix(spec, "N"):
		return 9, true
	case width == "":
		return 3, true
	case len(width) == 1 && isDigit(width[0]) && width[0] > '0':
		return int(width[0] - '0'), true
	}
	return 0, false
}
