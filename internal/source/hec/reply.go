package hec

import (
	"encoding/json"
	"net/http"
)

// code is a status of Splunk's HTTP Event Collector, with its number.
type code int

// The codes, from Splunk's "Troubleshoot HTTP Event Collector".
const (
	success         code = 0
	tokenDisabled   code = 1
	tokenRequired   code = 2
	invalidAuth     code = 3
	invalidToken    code = 4
	noData          code = 5
	invalidFormat   code = 6
	incorrectIndex  code = 7
	internalError   code = 8
	busy            code = 9
	channelMissing  code = 10
	invalidChannel  code = 11
	eventRequired   code = 12
	eventBlank      code = 13
	ackDisabled     code = 14
	fieldsError     code = 15
	queryDisallowed code = 16
	healthy         code = 17
	queuesFull      code = 18
	stopping        code = 23
	tooLarge        code = 27
)

var codes = map[code]struct {
	status int
	text   string
}{
	success:         {http.StatusOK, "Success"},
	tokenDisabled:   {http.StatusForbidden, "Token disabled"},
	tokenRequired:   {http.StatusUnauthorized, "Token is required"},
	invalidAuth:     {http.StatusUnauthorized, "Invalid authorization"},
	invalidToken:    {http.StatusForbidden, "Invalid token"},
	noData:          {http.StatusBadRequest, "No data"},
	invalidFormat:   {http.StatusBadRequest, "Invalid data format"},
	incorrectIndex:  {http.StatusBadRequest, "Incorrect index"},
	internalError:   {http.StatusInternalServerError, "Internal server error"},
	busy:            {http.StatusServiceUnavailable, "Server is busy"},
	channelMissing:  {http.StatusBadRequest, "Data channel is missing"},
	invalidChannel:  {http.StatusBadRequest, "Invalid data channel"},
	eventRequired:   {http.StatusBadRequest, "Event field is required"},
	eventBlank:      {http.StatusBadRequest, "Event field cannot be blank"},
	ackDisabled:     {http.StatusBadRequest, "ACK is disabled"},
	fieldsError:     {http.StatusBadRequest, "Error in handling indexed fields"},
	queryDisallowed: {http.StatusBadRequest, "Query string authorization is not enabled"},
	healthy:         {http.StatusOK, "HEC is healthy"},
	queuesFull:      {http.StatusServiceUnavailable, "HEC is unhealthy, queues are full"},
	stopping:        {http.StatusServiceUnavailable, "Server is shutting down"},
	tooLarge:        {http.StatusRequestEntityTooLarge, "Request entity too large"},
}

// reply is the answer to a request.
type reply struct {
	Text    string  `json:"text"`
	Code    code    `json:"code"`
	Invalid *int    `json:"invalid-event-number,omitempty"`
	AckID   *uint64 `json:"ackId,omitempty"`
}

func of(c code) reply { return reply{Text: codes[c].text, Code: c} }

// at says which event of the request is meant, counted from 0.
func (r reply) at(n int) reply { r.Invalid = &n; return r }

func (r reply) write(w http.ResponseWriter) {
	status := codes[r.Code].status
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, r)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client is gone otherwise
}
