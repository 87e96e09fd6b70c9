package aws

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"bluetrail/internal/aws/permission"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithy "github.com/aws/smithy-go"
)

// targets are the services that speak AWS's JSON protocol 1.1, with what their
// operations are called in a request. Their clients in the SDK would add megabytes to
// the program for a few calls.
var targets = map[string]string{
	"cloudtrail":    "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.",
	"kms":           "TrentService.",
	"organizations": "AWSOrganizationsV20161128.",
}

// Bounds of JSON calls.
const (
	maxAnswer = 16 << 20
	jsonTries = 4 // with pauses of about a second, two and four
)

// JSON makes a call of a service in targets, in a region ("" = the client's).
func (c *Client) JSON(ctx context.Context, service, operation, region string, in, out any) error {
	prefix, ok := targets[service]
	if !ok || !permission.Known(service, operation) {
		return fmt.Errorf("cannot call %s of %s: it is none of bluetrail's calls", operation, service)
	}
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	region = cmp.Or(region, c.config.Region)
	if service == "organizations" { // it has one endpoint in each partition
		switch {
		case strings.HasPrefix(region, "cn-"):
			region = "cn-northwest-1"
		case strings.HasPrefix(region, "us-gov-"):
			region = "us-gov-west-1"
		default:
			region = "us-east-1"
		}
	}
	for try := 1; ; try++ {
		err = c.jsonOnce(ctx, service, prefix+operation, region, body, out)
		if err == nil || try == jsonTries || ctx.Err() != nil || !Passing(err) {
			return err
		}
		pause := time.Second << (try - 1)
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Client) jsonOnce(ctx context.Context, service, target, region string, body []byte, out any) error {
	keys, err := c.config.Credentials.Retrieve(ctx)
	if err != nil {
		return err
	}
	domain := "amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		domain += ".cn"
	}
	url := strings.TrimSuffix(cmp.Or(c.access.Endpoint, "https://"+service+"."+region+"."+domain), "/") + "/"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("User-Agent", "bluetrail")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, keys, r, hex.EncodeToString(sum[:]), service, region, time.Now()); err != nil {
		return fmt.Errorf("cannot sign the request: %w", err)
	}
	reply, err := c.config.HTTPClient.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(reply.Body, maxAnswer+1))
	if err == nil && len(answer) > maxAnswer {
		err = fmt.Errorf("the answer is larger than %d MiB", maxAnswer>>20)
	}
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK {
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(answer, &e) // "message" matches "Message", too
		code := cmp.Or(e.Type, reply.Header.Get("X-Amzn-Errortype"), http.StatusText(reply.StatusCode))
		if i := strings.LastIndexByte(code, '#'); i >= 0 {
			code = code[i+1:]
		}
		code, _, _ = strings.Cut(code, ":")
		return &smithy.GenericAPIError{Code: code, Message: e.Message}
	}
	return json.Unmarshal(answer, out)
}
