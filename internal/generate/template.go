package generate

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A template is JSON text with places such as ${bucket} that are filled anew
// for each record. A place has one value within a record, so that a bucket of
// the request is the bucket of resources; ${bucket#2} is another one.
type template []part

type part struct {
	literal string
	fill    filler
	salt    uint64
}

// filler appends the value of a place; h is the place's hash within this record.
type filler func(b []byte, c *call, h uint64) []byte

// call is one API call on its way to becoming a record.
type call struct {
	lane   *lane
	actor  *actor
	kind   *kind
	time   int64 // seconds since 1970
	seed   uint64
	source string
	agent  string
	// addendum is the JSON of what CloudTrail adds to events that come late or are
	// changed, "" for none.
	addendum string
	twin     uint64            // seed of another account's record of the same call, 0 = none
	vars     map[string]string // staged records only: values fixed by the plot
}

func parseTemplate(text string) (template, error) {
	var t template
	rest := text
	for {
		before, after, found := strings.Cut(rest, "${")
		if before != "" {
			t = append(t, part{literal: before})
		}
		if !found {
			return t, nil
		}
		name, tail, closed := strings.Cut(after, "}")
		base, _, _ := strings.Cut(name, "#")
		fill := fillers[base]
		if variable, ok := strings.CutPrefix(base, "@"); ok {
			fill = func(b []byte, c *call, _ uint64) []byte { return append(b, c.vars[variable]...) }
		}
		if !closed || fill == nil {
			return nil, fmt.Errorf("cannot parse template %q: unknown place %q", text, name)
		}
		t = append(t, part{fill: fill, salt: hashText(name)})
		rest = tail
	}
}

func (t template) append(b []byte, c *call) []byte {
	for i := range t {
		if p := &t[i]; p.fill != nil {
			b = p.fill(b, c, scramble(c.seed^p.salt))
		} else {
			b = append(b, p.literal...)
		}
	}
	return b
}

// fillers are the places that a template may have.
var fillers = newFillers()

func newFillers() map[string]filler {
	fillers := map[string]filler{
		"account": func(b []byte, c *call, _ uint64) []byte { return append(b, c.lane.account.id...) },
		"region":  func(b []byte, c *call, _ uint64) []byte { return append(b, c.lane.region...) },
		"az": func(b []byte, c *call, h uint64) []byte {
			return append(append(b, c.lane.region...), 'a'+byte(h>>62)%3)
		},
		"caller":   func(b []byte, c *call, _ uint64) []byte { return append(b, c.actor.arn...) },
		"username": func(b []byte, c *call, _ uint64) []byte { return append(b, c.actor.name...) },
		"service":  func(b []byte, c *call, _ uint64) []byte { return append(b, c.source...) },
		"operation": func(b []byte, c *call, _ uint64) []byte {
			return append(append(append(b, c.kind.prefix...), ':'), c.kind.action...)
		},
		"uuid":   func(b []byte, _ *call, h uint64) []byte { return appendUUID(b, h) },
		"hex8":   func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 8) },
		"hex12":  func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 12) },
		"hex17":  func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 17) },
		"hex32":  func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 32) },
		"hex64":  func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 64) },
		"hostid": func(b []byte, _ *call, h uint64) []byte { return append(appendText(b, h, 75, base64Letters), '=') },
		"opaque": func(b []byte, _ *call, h uint64) []byte { return appendText(b, h, 420, base64URL) },
		"token":  appendSessionToken,
		"tempkey": func(b []byte, c *call, h uint64) []byte {
			return appendIdentifier(b, "ASIA", c.lane.account.number, h, 20)
		},
		"userid": func(b []byte, c *call, h uint64) []byte {
			return appendIdentifier(b, "AIDA", c.lane.account.number, h, 21)
		},
		"webport": func(b []byte, _ *call, h uint64) []byte {
			return append(b, [...]string{"443", "443", "443", "80"}[h>>62]...)
		},
		"private": appendPrivateAddress,
		"octet":   func(b []byte, _ *call, h uint64) []byte { return strconv.AppendUint(b, within(h, 250)+2, 10) },
		"small":   func(b []byte, _ *call, h uint64) []byte { return strconv.AppendUint(b, within(h, 90)+5, 10) },
		"bytes":   func(b []byte, _ *call, h uint64) []byte { return strconv.AppendUint(b, h>>(46+h&15), 10) },
		"now":     func(b []byte, c *call, _ uint64) []byte { return appendTime(b, c.time) },
		"earlier": func(b []byte, c *call, h uint64) []byte { return appendTime(b, c.time-3600-int64(within(h, 7200))) },
		"millis":  func(b []byte, c *call, _ uint64) []byte { return strconv.AppendInt(b, c.time*1000, 10) },
		"date":    func(b []byte, c *call, _ uint64) []byte { return appendWordyTime(b, c.time) },
		"expiry":  func(b []byte, c *call, _ uint64) []byte { return appendWordyTime(b, c.time+3600) },
		"datepath": func(b []byte, c *call, _ uint64) []byte {
			return time.Unix(c.time, 0).UTC().AppendFormat(b, "2006/01/02/15")
		},
		"object": appendObjectKey,
		"person": func(b []byte, _ *call, h uint64) []byte {
			return append(b, firstNames[within(h, uint64(len(firstNames)))]...)
		},
		"commit":   func(b []byte, _ *call, h uint64) []byte { return appendHex(b, h, 40) },
		"assertid": func(b []byte, _ *call, h uint64) []byte { return appendUUID(append(b, '_'), h) },
	}
	for name, pool := range map[string]int{
		"instance": poolInstance, "volume": poolVolume, "snapshot": poolSnapshot, "group": poolGroup, "subnet": poolSubnet,
		"vpc": poolVPC, "acl": poolACL, "image": poolImage, "key": poolKey, "bucket": poolBucket, "function": poolFunction,
		"role": poolRole, "secret": poolSecret, "table": poolTable, "queue": poolQueue, "topic": poolTopic, "loggroup": poolLogGroup,
		"repository": poolRepository, "stack": poolStack, "user": poolUser, "cluster": poolCluster, "target": poolTarget, "vpce": poolVPCE,
	} {
		fillers[name] = func(b []byte, c *call, h uint64) []byte {
			things := c.lane.pools[pool]
			return append(b, things[skewed(h, len(things))]...)
		}
	}
	return fillers
}

func appendSessionToken(b []byte, _ *call, h uint64) []byte {
	b = append(b, "IQoJb3JpZ2luX2Vj"...)
	return append(appendText(b, h, 642+int(h>>56)&^3, base64Letters), "=="...)
}

func appendPrivateAddress(b []byte, _ *call, h uint64) []byte {
	b = append(b, "10."...)
	b = append(strconv.AppendUint(b, h>>60, 10), '.')
	b = append(strconv.AppendUint(b, h>>48&255, 10), '.')
	return strconv.AppendUint(b, h>>40%250+4, 10)
}

var objectEndings = []string{".json", ".parquet", ".csv.gz", ".jpg", ".pdf", ".log.gz"}

func appendObjectKey(b []byte, c *call, h uint64) []byte {
	b = append(append(b, products[within(h, uint64(len(products)))]...), '/')
	b = append(time.Unix(c.time-int64(h>>44), 0).UTC().AppendFormat(b, "2006/01/02"), '/')
	b = appendHex(b, scramble(h), 12)
	return append(b, objectEndings[h>>20%uint64(len(objectEndings))]...)
}

// appendTime appends the time as CloudTrail writes it, such as 2025-06-02T08:04:59Z.
func appendTime(b []byte, unix int64) []byte {
	year, month, dayOfMonth := time.Unix(unix, 0).UTC().Date()
	s := unix % day
	two := func(v int64) { b = append(b, byte('0'+v/10), byte('0'+v%10)) }
	two(int64(year / 100))
	two(int64(year % 100))
	b = append(b, '-')
	two(int64(month))
	b = append(b, '-')
	two(int64(dayOfMonth))
	b = append(b, 'T')
	two(s / hour)
	b = append(b, ':')
	two(s % hour / 60)
	b = append(b, ':')
	two(s % 60)
	return append(b, 'Z')
}

// appendWordyTime appends the form that many responses use, such as Jun 2, 2025, 8:04:59 AM.
func appendWordyTime(b []byte, unix int64) []byte {
	return time.Unix(unix, 0).UTC().AppendFormat(b, "Jan 2, 2006, 3:04:05 PM")
}
