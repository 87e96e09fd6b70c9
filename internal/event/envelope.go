package event

import (
	"bytes"
	"fmt"
	"strings"

	"bluetrail/internal/jsonscan"
)

// members is the result of one pass over the top level of an object.
type members struct {
	end     int    // offset after the object
	array   string // the array of records that was entered; if set, the other fields are not
	version bool   // it has an eventVersion
	walked  bool   // its leaves were read

	payload []byte // the value that may contain records
	opening opening
	time    []byte // the object's time

	bridge, detail []byte // detail-type and detail of EventBridge
	digest         int    // 2 = a digest file
	control        bool
	kinesis        bool // a Kinesis record, which also has an eventVersion
	exported       bool // has the marks of a Splunk search result
}

// opening says when to open a payload.
type opening uint8

const (
	notAtAll  opening = iota
	openAny           // if it is JSON, packed or not: it is the record by definition
	openTrail         // if it contains CloudTrail records; otherwise the envelope is the record
)

// arrays are the object members that hold records, each with the test of the
// first element that distinguishes them from members of other JSON. AWS
// documents these forms: CloudTrail log files (Records), LookupEvents (Events),
// CloudWatch Logs subscriptions (logEvents), GetLogEvents and FilterLogEvents
// (events), GetQueryResults of Logs Insights (results) and of CloudTrail Lake
// (QueryResultRows), Firehose (records), ReceiveMessage of SQS (Messages). hits
// and results are the search responses of Elasticsearch and Splunk.
var arrays = map[string]func(first []byte) frameKind{
	"Records": func(first []byte) frameKind {
		if first[0] == '{' || first[0] == '"' && looksOpen(first) {
			return anArray
		}
		return noFrame
	},
	"Events":          withKeys(`"CloudTrailEvent"`),
	"logEvents":       withKeys(`"message"`),
	"events":          withKeys(`"message"`, `"timestamp"`),
	"Messages":        withKeys(`"Body"`),
	"hits":            withKeys(`"_source"`),
	"QueryResultRows": rows(""),
	"records": func(first []byte) frameKind {
		if k := withKeys(`"eventVersion"`)(first); k == anArray {
			return k
		}
		return withKeys(`"data"`)(first)
	},
	"results": func(first []byte) frameKind {
		if k := withKeys(`"_raw"`)(first); k == anArray {
			return k
		}
		return rows(`"field"`)(first)
	},
}

func withKeys(keys ...string) func([]byte) frameKind {
	return func(first []byte) frameKind {
		if first[0] != '{' {
			return noFrame
		}
		for _, k := range keys {
			if !bytes.Contains(first, []byte(k)) {
				return noFrame
			}
		}
		return anArray
	}
}

func rows(key string) func([]byte) frameKind {
	return func(first []byte) frameKind {
		if first[0] == '[' && bytes.Contains(first, []byte(key)) {
			return aTable
		}
		return noFrame
	}
}

// members scans the object at pos. If one of its members is an array of
// records, it moves to the first of them instead.
func (d *Decoder) members() (m members, err error) {
	i := jsonscan.Space(d.buf, d.pos+1)
	if i < len(d.buf) && d.buf[i] == '}' {
		m.end = i + 1
		return m, nil
	}
	if bytes.HasPrefix(d.buf[i:], versionKey) { // as in nearly all records
		m.version = true
		if d.fields != nil {
			d.into.reset()
			m.walked = true
			m.end, err = d.into.object(d.buf, d.pos, d.fields.root, d.lim.MaxDepth)
			return m, err
		}
		m.end, err = jsonscan.Skip(d.buf, d.pos, d.lim.MaxDepth)
		return m, err
	}
	for more := true; more; {
		key, val, err := jsonscan.Key(d.buf, i)
		if err != nil {
			return m, err
		}
		if val >= len(d.buf) {
			return m, jsonscan.ErrIncomplete
		}
		name := key[1 : len(key)-1]
		if c := d.buf[val]; !m.version && (c == '[' || c == '{' && string(name) == "hits") {
			if entered, err := d.enterArray(name, val); err != nil || entered {
				m.array = string(name)
				return m, err
			}
		}
		if i, err = jsonscan.Skip(d.buf, val, d.lim.MaxDepth-1); err != nil {
			return m, err
		}
		d.note(&m, name, d.buf[val:i])
		if i, more, err = jsonscan.Next(d.buf, i, '}'); err != nil {
			return m, err
		}
	}
	m.end = i
	return m, nil
}

// enterArray moves into the array at val if it holds records.
func (d *Decoder) enterArray(name []byte, val int) (bool, error) {
	test := arrays[string(name)]
	if test == nil || len(d.open)+3 > maxOpen {
		return false, nil
	}
	if d.buf[val] == '{' { // the hits of a search response are inside another object
		return d.enterHits(val)
	}
	first := jsonscan.Space(d.buf, val+1)
	switch {
	case first >= len(d.buf):
		return false, jsonscan.ErrIncomplete
	case d.buf[first] == ']' && string(name) != "Records":
		return false, nil
	}
	kind := anArray
	if d.buf[first] != ']' {
		probe := d.buf[first:]
		if c := probe[0]; string(name) != "Records" || c != '{' { // otherwise one byte decides
			end, err := jsonscan.Skip(d.buf, first, d.lim.MaxDepth)
			if err != nil {
				if err == jsonscan.ErrIncomplete {
					return false, d.giveUp(err, first)
				}
				return false, nil // members meets the same error
			}
			probe = d.buf[first:end]
		}
		if kind = test(probe); kind == noFrame {
			return false, nil
		}
	}
	member := strings.Clone(string(name))
	d.push(aWrapper, member)
	d.push(kind, member)
	d.pos = val + 1
	return true, nil
}

// giveUp turns an incomplete first element into none when no more of it can
// arrive.
func (d *Decoder) giveUp(err error, from int) error {
	if d.readErr != nil || len(d.buf)-from >= d.lim.MaxRecord {
		return nil
	}
	return err
}

func (d *Decoder) enterHits(val int) (bool, error) {
	i, more := jsonscan.Space(d.buf, val+1), true
	for more {
		key, inner, err := jsonscan.Key(d.buf, i)
		if err != nil {
			return false, err
		}
		if inner >= len(d.buf) {
			return false, jsonscan.ErrIncomplete
		}
		if string(key) == `"hits"` && d.buf[inner] == '[' {
			d.push(aWrapper, "hits")
			entered, err := d.enterArray([]byte("hits"), inner)
			if !entered {
				d.pop()
			}
			return entered, err
		}
		if i, err = jsonscan.Skip(d.buf, inner, d.lim.MaxDepth-2); err != nil {
			return false, err
		}
		if i, more, err = jsonscan.Next(d.buf, i, '}'); err != nil {
			return false, err
		}
	}
	return false, nil
}

// wrapperEnd skips the members after a wrapper's array, but enters another
// array of records.
func (d *Decoder) wrapperEnd(c byte) error {
	member := d.open[len(d.open)-1].member
	switch c {
	case '}':
		d.pos++
		d.pop()
		return nil
	case ',':
		d.pos++
		if _, err := d.peek(); err != nil {
			return d.truncated()
		}
		for {
			key, val, err := jsonscan.Key(d.buf, d.pos)
			end := val
			if err == nil && val < len(d.buf) && d.buf[val] == '[' {
				wrapper := d.pop() // enterArray pushes it again
				var entered bool
				if entered, err = d.enterArray(key[1:len(key)-1], val); entered {
					return nil
				}
				d.open = append(d.open, wrapper)
			}
			if err == nil {
				end, err = jsonscan.Skip(d.buf, val, d.lim.MaxDepth)
			}
			if err == nil && end < len(d.buf) {
				d.pos = end
				return nil
			}
			if err != nil && err != jsonscan.ErrIncomplete {
				return d.behindArray(member, err)
			}
			if len(d.buf)-d.pos >= d.lim.MaxRecord {
				return d.behindArray(member, d.tooLong())
			}
			if !d.more() {
				return d.truncated()
			}
		}
	}
	return d.behindArray(member, fmt.Errorf("found %q, expected a comma or } at byte %d", c, d.offset()))
}

// behindArray gives up on a wrapper whose end is broken.
func (d *Decoder) behindArray(member string, err error) error {
	d.open = d.open[:0]
	return d.resync(d.offset(), fmt.Errorf("after the array %q: %w", member, d.local(err)))
}

// note records a member that may make the object an envelope.
func (d *Decoder) note(m *members, name, val []byte) {
	offer := func(o opening) {
		if m.payload == nil {
			m.payload, m.opening = val, o
		}
	}
	kind := jsonscan.KindOf(val)
	object := kind == jsonscan.Composite && val[0] == '{'
	switch string(name) {
	case "eventVersion":
		m.version = true
	case "CloudTrailEvent", "@message":
		offer(openAny)
	case "message":
		if o := d.ofMessages(); object || kind == jsonscan.String {
			m.control = m.control || bytes.HasPrefix(val, []byte(`"CWL CONTROL MESSAGE`))
			offer(o)
		}
	case "Message", "data", "Data", "rawData", "Body", "body", "_raw", "eventJson", "event.original", "original", "log", "raw", "rawEvent", "kinesis", "Sns", "awslogs", "event":
		m.kinesis = m.kinesis || string(name) == "kinesis"
		if object || kind == jsonscan.String {
			offer(openTrail)
		}
	case "_source":
		if object {
			offer(openAny)
		}
	case "result":
		if object && (m.exported || bytes.Contains(val, []byte(`"_raw"`))) {
			offer(openAny)
		}
	case "preview", "lastrow", "offset":
		m.exported = true
	case "detail-type":
		m.bridge = val
	case "detail":
		if object {
			m.detail = val
		}
	case "messageType":
		m.control = m.control || string(val) == `"CONTROL_MESSAGE"`
	case "digestStartTime", "digestS3Bucket":
		m.digest++
	case "time", "timestamp", "Timestamp", "@timestamp", "_time", "EventTime", "approximateArrivalTimestamp":
		if kind == jsonscan.String || kind == jsonscan.Number {
			m.time = val
		}
	}
}

// ofMessages says how to open the member message of an object: always in the
// arrays of CloudWatch Logs, where it is the record.
func (d *Decoder) ofMessages() opening {
	if n := len(d.open); n > 0 && (d.open[n-1].member == "logEvents" || d.open[n-1].member == "events") {
		return openAny
	}
	return openTrail
}

var viaCloudTrail = []byte(` via CloudTrail"`)

// unwrap returns the record that an object is, or continues with its payload.
func (d *Decoder) unwrap(raw []byte, at int64, m *members) (Record, bool, error) {
	plain := Record{Raw: raw, Offset: at, Walked: m.walked}
	switch {
	case m.digest == 2 && isDigest(raw):
		plain.Kind = Digest
	case m.control:
		plain.Kind = Control
	case m.bridge != nil:
		// EventBridge: events that are not CloudTrail's describe themselves in
		// the envelope, and are kept complete.
		if m.detail != nil && bytes.HasSuffix(m.bridge, viaCloudTrail) {
			plain.Raw, plain.Time = m.detail, givenTime(m.time)
		}
	case m.payload != nil && (!m.version || m.kinesis):
		if p := d.newPayload(m.payload, m.opening); p != nil {
			p.at, p.time, p.envelope = at, givenTime(m.time), raw
			return Record{}, false, d.enter(p)
		}
	}
	return plain, true, nil
}

// givenTime parses an envelope's time, 0 = none.
func givenTime(val []byte) int64 {
	if val == nil {
		return 0
	}
	ns, _ := parseTime(jsonscan.Scalar(val))
	return ns
}
