// Package permission knows every call that bluetrail makes to AWS, and the policy that
// permits them and no others.
package permission

import (
	"encoding/json"
	"slices"
	"strings"
)

// Use is what calls are made for.
type Use string

// Uses.
const (
	Objects      Use = "ReadObjects"       // the sources s3 and sqs, and s3:// arguments
	Queue        Use = "ReadQueue"         // the source sqs
	Keys         Use = "VerifyLogs"        // bluetrail verify
	History      Use = "ReadEventHistory"  // the source lookupevents
	Inspect      Use = "InspectTrail"      // bluetrail doctor aws
	Organization Use = "ReadOrganization"  // accounts without records
	Facts        Use = "DescribeInventory" // facts in the configuration
	Outputs      Use = "SendAlerts"        // the outputs sns and securityhub
)

// Reading are the uses of the role that deploy/aws makes.
var Reading = []Use{Objects, Queue, Keys, History, Inspect, Organization}

// On is what a call is made on.
type On int

// What calls are made on.
const (
	Any       On = iota // the action knows no narrower resource
	Bucket              // the bucket of the trail
	AnyObject           // an object in it
	Key                 // the KMS key of bucket and trail
	AnyQueue            // the queue, or its dead-letter queue
	Trail
)

// Call is an operation of AWS that bluetrail calls.
type Call struct {
	Service   string // as the package of the SDK is named
	Operation string
	Action    string // of IAM; "" = Service:Operation, None = it needs no permission
	Use       Use
	On        On
}

// None is the Action of calls that everybody may make.
const None = "-"

// Calls are all calls, by Service and Operation.
var Calls = []Call{
	{"cloudtrail", "DescribeTrails", "", Inspect, Any},
	{"cloudtrail", "GetEventSelectors", "", Inspect, Trail},
	{"cloudtrail", "GetTrailStatus", "", Inspect, Trail},
	{"cloudtrail", "ListPublicKeys", "", Keys, Any},
	{"cloudtrail", "LookupEvents", "", History, Any},
	{"config", "SelectAggregateResourceConfig", "", Facts, Any},
	{"ec2", "DescribeAddresses", "", Facts, Any},
	{"ec2", "DescribeInstances", "", Facts, Any},
	{"ec2", "DescribeNetworkAcls", "", Facts, Any},
	{"ec2", "DescribeNetworkInterfaces", "", Facts, Any},
	{"ec2", "DescribeSecurityGroups", "", Facts, Any},
	{"ec2", "DescribeSubnets", "", Facts, Any},
	{"kms", "Decrypt", "", Objects, Key}, // by S3, for who reads an object
	{"kms", "DescribeKey", "", Inspect, Key},
	{"kms", "GetKeyPolicy", "", Inspect, Key},
	{"organizations", "ListAccounts", "", Organization, Any},
	{"s3", "GetBucketEncryption", "s3:GetEncryptionConfiguration", Inspect, Bucket},
	{"s3", "GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration", Inspect, Bucket},
	{"s3", "GetBucketPolicy", "", Inspect, Bucket},
	{"s3", "GetBucketVersioning", "", Inspect, Bucket},
	{"s3", "GetObject", "", Objects, AnyObject},
	{"s3", "GetObject", "s3:GetObjectVersion", Objects, AnyObject}, // announcements of a bucket with versions name them
	{"s3", "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", Inspect, Bucket},
	{"s3", "ListObjectsV2", "s3:ListBucket", Objects, Bucket},
	{"securityhub", "BatchImportFindings", "", Outputs, Any},
	{"sns", "Publish", "", Outputs, Any},
	{"sqs", "ChangeMessageVisibilityBatch", "sqs:ChangeMessageVisibility", Queue, AnyQueue},
	{"sqs", "DeleteMessageBatch", "sqs:DeleteMessage", Queue, AnyQueue},
	{"sqs", "GetQueueAttributes", "", Inspect, AnyQueue},
	{"sqs", "ReceiveMessage", "", Queue, AnyQueue},
	{"sts", "AssumeRole", None, "", Any}, // it is the role's trust policy that permits it
	{"sts", "GetCallerIdentity", None, "", Any},
}

// Known reports whether a call is one of Calls. service is as the SDK names it: "S3".
func Known(service, operation string) bool {
	service = strings.ToLower(service)
	return slices.ContainsFunc(Calls, func(c Call) bool { return c.Service == service && c.Operation == operation })
}

// ActionOf returns the action that a call needs.
func (c *Call) ActionOf() string {
	if c.Action != "" {
		return c.Action
	}
	return c.Service + ":" + c.Operation
}

// Statement is a statement of a policy that allows actions.
type Statement struct {
	Sid     string
	Actions []string // sorted
	On      On
}

// Statements returns what allows the calls of some uses: a statement for each use and
// resource.
func Statements(uses ...Use) (list []Statement) {
	names := map[On]string{Any: "", Bucket: "OfBucket", AnyObject: "OfObjects", Key: "OfKey", AnyQueue: "OfQueue", Trail: "OfTrail"}
	for _, use := range uses {
		for on := Any; on <= Trail; on++ {
			s := Statement{Sid: string(use) + names[on], On: on}
			for i := range Calls {
				c := &Calls[i]
				if action := c.ActionOf(); c.Use == use && c.On == on && action != None && !slices.Contains(s.Actions, action) {
					s.Actions = append(s.Actions, action)
				}
			}
			if s.Actions != nil {
				slices.Sort(s.Actions)
				list = append(list, s)
			}
		}
	}
	return list
}

// Policy returns a policy document that allows the calls of some uses. resources gives
// the ARNs of what they are made on; where it gives none, the statement is left out.
func Policy(resources func(On) []string, uses ...Use) ([]byte, error) {
	type statement struct {
		Sid      string
		Effect   string
		Action   []string
		Resource []string
	}
	doc := struct {
		Version   string
		Statement []statement
	}{Version: "2012-10-17", Statement: []statement{}}
	for _, s := range Statements(uses...) {
		if on := resources(s.On); len(on) > 0 {
			doc.Statement = append(doc.Statement, statement{s.Sid, "Allow", s.Actions, on})
		}
	}
	return json.MarshalIndent(&doc, "", "  ")
}
