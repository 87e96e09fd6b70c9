package generate

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
)

// newer are the shapes that came to CloudTrail since 2024, each by what a record
// of it has.
var newer = map[string]func(f fields) bool{
	"aggregated event": func(f fields) bool {
		return f.has("eventType", "AwsAggregatedEvent") && f.all("eventId", "accountId", "timeWindow.windowEnd", "summary.primaryDimension.statistics{}.value") &&
			!f.all("eventTime") && !f.all("eventName") && !f.all("recipientAccountId")
	},
	"insight":          func(f fields) bool { return f.has("eventCategory", "Insight") && f.all("insightDetails.state") },
	"network activity": func(f fields) bool { return f.has("eventType", "AwsVpceEvent") && f.all("vpcEndpointAccountId") },
	"stranger at an endpoint": func(f fields) bool {
		return f.has("eventType", "AwsVpceEvent") && f.has("userIdentity.type", "AWSAccount") && !f.all("userIdentity.arn") && f.all("sharedEventID") && f.has("errorCode", "VpceAccessDenied")
	},
	"MCP event": func(f fields) bool {
		return f.has("eventType", "AwsMcpEvent") && f.has("eventName", "CallReadWriteTool") && f.all("additionalEventData.downstreamRequests{}.requestId")
	},
	"call behind MCP": func(f fields) bool {
		return f.has("userIdentity.invokedBy", "aws-mcp.amazonaws.com") && f.has("sourceIPAddress", "aws-mcp.amazonaws.com") && f.has("userAgent", "aws-mcp.amazonaws.com")
	},
	"omitted parameters": func(f fields) bool {
		return f.has("requestParameters.omitted", "true") && f.all("requestParameters.reason")
	},
	"Identity Center's user": func(f fields) bool {
		return f.has("userIdentity.type", "IdentityCenterUser") && !f.all("userIdentity.userName") && !f.all("userIdentity.principalId")
	},
	"onBehalfOf": func(f fields) bool {
		return f.has("userIdentity.type", "AssumedRole") && f.all("userIdentity.onBehalfOf.userId")
	},
	"person without onBehalfOf": func(f fields) bool {
		return strings.HasPrefix(strings.Join(f["userIdentity.sessionContext.sessionIssuer.userName"], ""), "AWSReservedSSO_") && !f.all("userIdentity.onBehalfOf.userId")
	},
	"sign-in session": func(f fields) bool { return f.all("userIdentity.sessionContext.signInSessionArn") },
	"sign-in session made": func(f fields) bool {
		return f.has("eventName", "CreateOAuth2Token") && f.all("additionalEventData.signInSessionArn")
	},
	"key exchange":    func(f fields) bool { return f.has("tlsDetails.keyExchange", "X25519MLKEM768") },
	"no key exchange": func(f fields) bool { return f.all("tlsDetails.tlsVersion") && !f.all("tlsDetails.keyExchange") },
	"credentials' scope": func(f fields) bool {
		return f.has("userIdentity.inScopeOf.issuerType", "AWS::EC2::Instance", "AWS::Lambda::Function")
	},
	"IMDS version 1": func(f fields) bool { return f.has("userIdentity.sessionContext.ec2RoleDelivery", "1.0") },
	"IMDS version 2": func(f fields) bool { return f.has("userIdentity.sessionContext.ec2RoleDelivery", "2.0") },
	"late":           func(f fields) bool { return f.has("addendum.reason", "DELIVERY_DELAY") },
	"corrected": func(f fields) bool {
		return f.has("addendum.reason", "UPDATED_DATA") && f.all("addendum.originalEventID")
	},
	"assumed root": func(f fields) bool {
		return f.has("userIdentity.type", "Root") && f.has("userIdentity.sessionContext.assumedRoot", "true")
	},
	"console's credentials": func(f fields) bool { return f.has("sessionCredentialFromConsole", "true") },
}

// TestNewerShapesAreThere: a trail of any size has each of them, and they are a
// small part of it.
func TestNewerShapesAreThere(t *testing.T) {
	t.Parallel()
	for _, cfg := range []Config{small(), {Seed: 3, Events: MinEvents, End: testEnd, Days: MinDays, Accounts: MinAccounts}, {Seed: 11, Events: scaled(20_000), End: testEnd.AddDate(0, 0, 2), Days: 10, Accounts: 6}} {
		count, n := map[string]int{}, 0
		asked, answered := []string{}, map[string]bool{} // requests of MCP
		err := Stream(context.Background(), cfg, func(r []byte, _ time.Time) error {
			var v any
			if err := json.Unmarshal(r, &v); err != nil {
				return err
			}
			f := fields{}
			flatten(f, "", v)
			n++
			for name, is := range newer {
				if is(f) {
					count[name]++
				}
			}
			asked = append(asked, f["additionalEventData.downstreamRequests{}.requestId"]...)
			if newer["call behind MCP"](f) {
				answered[f["requestID"][0]] = true
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for name := range newer {
			if count[name] == 0 {
				t.Errorf("%d events of seed %d: no %s", cfg.Events, cfg.Seed, name)
			}
		}
		for _, name := range []string{"aggregated event", "MCP event", "Identity Center's user", "omitted parameters", "assumed root"} {
			if count[name] > n/25 {
				t.Errorf("%d of %d events are of the shape %q", count[name], n, name)
			}
		}
		if slices.ContainsFunc(asked, func(id string) bool { return !answered[id] }) || len(asked) != len(answered) {
			t.Errorf("MCP asked for %q, services answered %v", asked, answered)
		}
	}
}

// TestNewerShapesAreLabelled: what is staged of them has labels.
func TestNewerShapesAreLabelled(t *testing.T) {
	t.Parallel()
	tree, _ := smallTrail()
	names := map[string]bool{}
	for _, file := range []string{LabelsFile, LookalikesFile} {
		for _, l := range readLabels(t, tree[file]) {
			names[l.Name] = len(l.EventIDs) > 0
		}
	}
	for _, name := range []string{"identity-center-sign-in", "identity-center-spray", "padded-policy", "large-request", "foreign-credentials-at-endpoint", "root-session-for-a-member", "record-corrected", "agent-by-mcp"} {
		if !names[name] {
			t.Errorf("no label %q", name)
		}
	}
	sums := 0
	for _, f := range logFiles(t, tree) {
		if strings.Contains(f.name, "/CloudTrail-Aggregated/") {
			sums += len(f.records)
		} else if strings.Contains(string(f.body), "AwsAggregatedEvent") {
			t.Errorf("%s has sums among calls", f.name)
		}
	}
	if sums == 0 {
		t.Error("no file of sums")
	}
}
