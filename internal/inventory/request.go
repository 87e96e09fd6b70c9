package inventory

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// Bounds of requests.
const (
	maxAnswer = 64 << 20
	timeout   = time.Minute            // of one request
	tries     = 7                      // of one request, with pauses of a second, two, four, …
	interval  = 250 * time.Millisecond // between requests: EC2 refills some 20 a second for all that an account runs
)

// pace keeps requests apart.
type pace struct {
	mu   sync.Mutex
	next time.Time
}

// pause returns how long to wait before the next request.
func (p *pace) pause(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(interval)
	return at.Sub(now)
}

func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	if c.wait != nil {
		return c.wait(ctx, d)
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// call sends a request until AWS answers it other than by asking to wait.
func (q *session) call(ctx context.Context, service, action string, body []byte, header http.Header, read func([]byte) *Fault) ([]byte, error) {
	for try := 1; ; try++ {
		if err := q.sleep(ctx, q.pace.pause(time.Now())); err != nil {
			return nil, err
		}
		status, answer, err := q.send(ctx, service, body, header)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err == nil && status == http.StatusOK {
			return answer, nil
		}
		fault := &Fault{Target: q.Target, Service: service, Action: action, Status: status}
		if err != nil {
			fault.Message = err.Error()
		} else if told := read(answer); told != nil {
			fault.Code, fault.Message = told.Code, told.Message
		}
		if !fault.passes() || try == tries {
			return nil, fault
		}
		pause := time.Second << (try - 1)
		if err := q.sleep(ctx, pause/2+rand.N(pause)); err != nil {
			return nil, err
		}
	}
}

// send sends a signed request once.
func (q *session) send(ctx context.Context, service string, body []byte, header http.Header) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	keys, err := q.keys.Retrieve(ctx)
	if err != nil {
		return 0, nil, noKeys(&q.Target, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, q.where(service), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the endpoint is not a URL")
	}
	for name, values := range header {
		r.Header[name] = values
	}
	r.Header.Set("User-Agent", "bluetrail")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), service, q.Region, time.Now()); err != nil {
		return 0, nil, fmt.Errorf("cannot sign the request: %w", err)
	}
	reply, err := q.http.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer reply.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(reply.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	return reply.StatusCode, answer, err
}

// where returns the URL of a service in the region.
func (q *session) where(service string) string {
	domain := "amazonaws.com"
	if strings.HasPrefix(q.Region, "cn-") {
		domain += ".cn"
	}
	return strings.TrimSuffix(cmp.Or(q.Endpoint, "https://"+service+"."+q.Region+"."+domain), "/") + "/"
}
