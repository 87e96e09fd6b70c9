package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	smithy "github.com/aws/smithy-go"
)

// TestExplain: what AWS refuses is said in words with a way out, and whether it passes.
func TestExplain(t *testing.T) {
	api := func(code, text string) error {
		return fmt.Errorf("operation error: %w", &smithy.GenericAPIError{Code: code, Message: text})
	}
	for _, c := range []struct {
		err     error
		words   string
		passing bool
	}{
		{api("AccessDenied", "User: x is not authorized to perform: kms:Decrypt on resource: y"), "key policy does not let this role decrypt", false},
		{api("AccessDenied", "x with an explicit deny in a service control policy"), "service control policy", false},
		{api("AccessDenied", "x with an explicit deny in a resource-based policy"), "look for a Deny", false},
		{api("AccessDenied", ""), "s3:GetObject", false},
		{api("NoSuchBucket", "gone"), "no such bucket", false},
		{api("ExpiredToken", ""), "aws sso login", true},
		{api("SlowDown", ""), "slow down", true},
		{api("RequestTimeTooSkewed", ""), "clock", true},
		{api("PermanentRedirect", ""), "another region", false},
		{api("com.amazonaws.sqs#QueueDoesNotExist", ""), "no such queue", false},
		{api("SomethingNew", "that nobody knows"), "SomethingNew (that nobody knows)", false},
		{&roleError{"arn:aws:iam::111122223333:role/r", api("AccessDenied", "not authorized to perform: sts:AssumeRole")}, "cannot assume arn:aws:iam::111122223333:role/r: AWS refuses", false},
		{errors.New("get identity: get credentials: no EC2 IMDS role found"), "no AWS credentials", false},
		{&net.OpError{Op: "dial", Err: errors.New("connection refused")}, "connection refused", true},
		{&net.OpError{Op: "dial", Err: context.DeadlineExceeded}, "that the network lets this machine out", true},
	} {
		err := Explain(c.err)
		if !strings.Contains(err.Error(), c.words) || Passing(err) != c.passing || !errors.Is(err, c.err) {
			t.Errorf("%v: %v, passing %v", c.err, err, Passing(err))
		}
		if Explain(err) != err {
			t.Errorf("%v is explained twice", err)
		}
	}
	if err := Explain(context.Canceled); err != context.Canceled {
		t.Error(err)
	}
}

// TestAccess: what cannot be right is refused, and a role tells its partition.
func TestAccess(t *testing.T) {
	for _, c := range []struct {
		a     Access
		words string
	}{
		{Access{Region: "Frankfurt"}, "such as eu-west-1"},
		{Access{Endpoint: "localhost:9000"}, "begins with https://"},
		{Access{RoleARN: "role/x"}, "arn:aws:iam::ACCOUNT:role/NAME"},
		{Access{ExternalID: "x"}, "without role_arn"},
	} {
		if _, err := New(t.Context(), c.a); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%+v: %v", c.a, err)
		}
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	c, err := New(t.Context(), Access{RoleARN: "arn:aws-cn:iam::111122223333:role/r", ExternalID: "x"})
	if err != nil || c.Region() != "cn-north-1" {
		t.Error(c, err)
	}
}
