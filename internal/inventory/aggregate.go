package inventory

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// expression asks an aggregator for what Pages passes on.
const expression = "SELECT accountId, awsRegion, resourceType, configurationItemCaptureTime, configuration WHERE resourceType IN " +
	"('AWS::EC2::Instance', 'AWS::EC2::SecurityGroup', 'AWS::EC2::NetworkAcl', 'AWS::EC2::Subnet', 'AWS::EC2::NetworkInterface')"

// selectAll asks an aggregator of AWS Config for the resources of all of its accounts and
// regions. Each is as of when it was last recorded.
// https://docs.aws.amazon.com/config/latest/APIReference/API_SelectAggregateResourceConfig.html
func (q *session) selectAll(ctx context.Context, add func(Page) error) error {
	const action = "SelectAggregateResourceConfig"
	header := http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"StarlingDoveService." + action}}
	ask := struct {
		Expression                  string
		ConfigurationAggregatorName string
		Limit                       int
		NextToken                   string `json:",omitempty"`
	}{expression, q.Aggregator, 100, ""}
	unread := 0
	for n := 0; ; n++ {
		if n == maxPages*10 {
			return fmt.Errorf("%s: %s has more than %d pages; the rest is left out", q.Target.String(), action, n)
		}
		body, err := json.Marshal(ask)
		if err != nil {
			return err
		}
		answer, err := q.call(ctx, "config", action, body, header, readConfigFault)
		if err != nil {
			return err
		}
		var page struct {
			Results   []string
			NextToken string
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return fmt.Errorf("%s: the answer to %s cannot be read: %w", q.Target.String(), action, err)
		}
		for _, result := range page.Results {
			p, ok := resource(result)
			if !ok {
				unread++
				continue
			}
			if err := add(p); err != nil {
				return err
			}
		}
		if page.NextToken == "" {
			break
		}
		ask.NextToken = page.NextToken
	}
	if unread > 0 {
		return fmt.Errorf("%s: %d resources could not be read", q.Target.String(), unread)
	}
	return nil
}

// resource makes a page of a result: the configuration of one resource.
func resource(result string) (Page, bool) {
	var x struct {
		AccountID     string    `json:"accountId"`
		Region        string    `json:"awsRegion"`
		Type          string    `json:"resourceType"`
		At            time.Time `json:"configurationItemCaptureTime"`
		Configuration json.RawMessage
	}
	if json.Unmarshal([]byte(result), &x) != nil || len(x.Configuration) == 0 || x.At.IsZero() {
		return Page{}, false
	}
	list := []json.RawMessage{x.Configuration}
	var doc any
	switch strings.TrimPrefix(x.Type, "AWS::EC2::") {
	case "Instance":
		doc = map[string]any{"Reservations": []any{map[string]any{"OwnerId": x.AccountID, "Instances": list}}}
	case "SecurityGroup":
		doc = map[string]any{"SecurityGroups": list}
	case "NetworkAcl":
		doc = map[string]any{"NetworkAcls": list}
	case "Subnet":
		doc = map[string]any{"Subnets": list}
	case "NetworkInterface":
		doc = map[string]any{"NetworkInterfaces": list}
	default:
		return Page{}, false
	}
	body, err := json.Marshal(doc)
	return Page{At: x.At.UTC(), Account: x.AccountID, Region: x.Region, Doc: body}, err == nil
}

// readConfigFault reads what AWS Config answers where something is wrong.
func readConfigFault(answer []byte) *Fault {
	var x struct {
		Type    string `json:"__type"`
		Message string `json:"message"` // or Message
	}
	if json.Unmarshal(answer, &x) != nil || x.Type == "" {
		return nil
	}
	return &Fault{Code: x.Type[strings.LastIndexByte(x.Type, '#')+1:], Message: x.Message}
}
