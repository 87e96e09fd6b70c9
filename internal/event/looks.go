package event

import (
	"bytes"
	"regexp"
	"strings"

	"bluetrail/internal/unpack"
)

var binaries = []struct {
	at         int
	text, name string
}{
	{0, "PAR1", "a Parquet file"},
	{0, "ORC", "an ORC file"},
	{0, "Obj\x01", "an Avro file"},
	{0, "\xd4\xc3\xb2\xa1", "a packet capture (pcap)"},
	{0, "\xa1\xb2\xc3\xd4", "a packet capture (pcap)"},
	{0, "\x4d\x3c\xb2\xa1", "a packet capture (pcap)"},
	{0, "\x0a\x0d\x0d\x0a", "a packet capture (pcapng)"},
	{0, "ElfFile\x00", "a Windows event log (EVTX)"},
	{0, "%PDF-", "a PDF document"},
	{0, "SQLite format 3\x00", "an SQLite database"},
	{0, "\x7fELF", "an executable"},
	{0, "MZ", "an executable"},
	{0, "\x89PNG", "an image"},
	{0, "\xff\xd8\xff", "an image"},
	{0, "GIF8", "an image"},
	{0, "\xd0\xcf\x11\xe0", "an Office document"},
}

// binaryLike names the type of a binary file by its first bytes, "" = unknown.
func binaryLike(head []byte) string {
	for _, b := range binaries {
		if len(head) > b.at && bytes.HasPrefix(head[b.at:], []byte(b.text)) {
			return b.name
		}
	}
	return ""
}

var texts = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`^(version account-id |account-id |\d+ \d{12} eni-)|^[^{]* (ACCEPT|REJECT) (OK|NODATA|SKIPDATA)\b|\beni-[0-9a-f]+ .*\b(NODATA|SKIPDATA)\b`), "a VPC flow log"},
	{regexp.MustCompile(`^(http|https|h2|grpcs?|ws|wss) \d{4}-\d\d-\d\dT\S+ \S+ `), "an access log of an Application Load Balancer"},
	{regexp.MustCompile(`^tls \d\.\d \d{4}-\d\d-\d\dT`), "an access log of a Network Load Balancer"},
	{regexp.MustCompile(`^\d{4}-\d\d-\d\dT\S+Z \S+ [0-9.]+:\d+ (\S+:\d+|-) -?\d`), "an access log of a Classic Load Balancer"},
	{regexp.MustCompile(`^[0-9a-f]{40,80} \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:`), "an S3 server access log"},
	{regexp.MustCompile(`^#Version: `), "a CloudFront or IIS access log"},
	{regexp.MustCompile(`^\S+ \S+ \S+ \[\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]*\] "`), "a web server's access log"},
	{regexp.MustCompile(`(?i)^<(\?xml|!doctype|html|[a-z][\w:]*[ >])`), "XML or HTML"},
	{regexp.MustCompile(`^<\d{1,3}>|^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `), "syslog"},
	{regexp.MustCompile(`^-----BEGIN `), "a key or certificate (PEM)"},
	{regexp.MustCompile(`^(---\s|[\w-]+:\s*$|[\w-]+: \S)`), "YAML"},
	{regexp.MustCompile(`^#!|^(import|package|from|def|function|const) `), "a script or source code"},
}

// textLike names the type of a text by its first line, "" = unknown.
func textLike(line string) string {
	line = strings.TrimSuffix(line, "\r")
	for _, t := range texts {
		if t.pattern.MatchString(line) {
			return t.name
		}
	}
	switch {
	case strings.Count(line, ",") >= 2:
		return "a CSV file without columns of CloudTrail (eventName and eventTime, or a whole record as _raw, eventJson, @message or message)"
	case strings.Count(line, "\t") >= 2:
		return "a tab-separated table"
	}
	return ""
}

// MayHold reports whether an input that begins with head may contain records:
// JSON, a table of events, or packed data. It classifies files in folders whose
// names say nothing; head should have unpack.HeadSize bytes.
func MayHold(head []byte) bool {
	if unpack.KindOf(head) != unpack.Plain {
		return true
	}
	for {
		trimmed := bytes.TrimPrefix(bytes.TrimLeft(head, " \t\r\n"), byteOrderMark)
		if len(trimmed) == len(head) {
			break
		}
		head = trimmed
	}
	if len(head) == 0 {
		return false
	}
	if c := head[0]; c == '{' || c == '[' && len(head) > 1 && bytes.IndexByte([]byte("{[\"] \t\r\n"), head[1]) >= 0 {
		return true
	}
	return bytes.Contains(head, []byte("eventVersion")) || (&Decoder{}).newTable(head) != nil
}
