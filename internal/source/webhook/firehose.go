package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"time"

	"bluetrail/internal/jsonscan"
	"bluetrail/internal/source/inbox"
)

// Amazon Data Firehose sends to HTTP endpoints as AWS's "HTTP endpoint delivery request
// and response specifications" say: a requestId, a timestamp in milliseconds, and
// records with base64 data. CloudWatch Logs puts its messages into them, packed.

const (
	maxDepth = 512
	maxError = 8 << 10 // of the errorMessage of an answer, in bytes
)

// firehose returns the data of the records of a request. It unpacks base64 in place.
func firehose(body *inbox.Body) (pieces []inbox.Piece, err error) {
	text := body.Text
	var records []byte
	var when int64
	start := jsonscan.Space(text, 0)
	if start >= len(text) || text[start] != '{' {
		return nil, errors.New("a Firehose request must be a JSON object")
	}
	end, err := jsonscan.Object(text, start, maxDepth, func(key string, val []byte) bool {
		switch key {
		case "records":
			records = val
		case "timestamp":
			var ms int64
			if _, err := fmt.Sscan(string(val), &ms); err == nil && ms > 0 && ms < 1<<53/1000 {
				when = ms * int64(time.Millisecond)
			}
		}
		return true
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the Firehose request: %w", err)
	case jsonscan.Space(text, end) < len(text):
		return nil, errors.New("the Firehose request does not end where it should")
	case len(records) == 0 || records[0] != '[':
		return nil, errors.New("the Firehose request has no records")
	}
	n := 0
	_, _ = jsonscan.Array(records, 0, maxDepth, func(rec []byte) bool {
		if n++; rec[0] != '{' {
			err = fmt.Errorf("record %d is not an object", n)
			return false
		}
		var data []byte
		_, _ = jsonscan.Object(rec, 0, maxDepth, func(key string, val []byte) bool {
			if key == "data" {
				data = val
			}
			return true
		})
		if len(data) < 2 || data[0] != '"' {
			err = fmt.Errorf("record %d has no data", n)
			return false
		}
		in := data[:copy(data, jsonscan.Text(data))] // some writers of JSON escape / and =
		size, bad := base64.StdEncoding.Decode(in, in)
		if bad != nil {
			err = fmt.Errorf("the data of record %d is not base64: %w", n, bad)
			return false
		}
		if err = body.Grow(inbox.PieceBytes); err != nil {
			return false
		}
		if size > 0 {
			pieces = append(pieces, inbox.Piece{Text: in[:size:size], Time: when})
		}
		return true
	})
	return pieces, err
}

func tellFirehose(w http.ResponseWriter, id string, a answer) {
	out := map[string]any{"requestId": id, "timestamp": time.Now().UnixMilli()}
	if a.err != "" {
		out["errorMessage"] = a.err[:min(len(a.err), maxError)]
	}
	// A request with records that nobody can read would come again for a day.
	if a.problems > 0 {
		a.status = http.StatusOK
		delete(out, "errorMessage")
	}
	tellJSON(w, a.status, out)
}
