package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithy "github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Fault is an error of AWS in words.
type Fault struct {
	Code    string // AWS's, "" = there was no answer
	Text    string // what happened, for people
	Hint    string // the way out, "" = none is known
	Passing bool   // the same request may succeed later without anybody's help
	err     error
}

// Error implements error.
func (f *Fault) Error() string {
	if f.Hint == "" {
		return f.Text
	}
	return f.Text + ": " + f.Hint
}

// Unwrap returns the SDK's error.
func (f *Fault) Unwrap() error { return f.err }

// role adds to errors of assuming a role which one it was.
type role struct {
	arn string
	aws.CredentialsProvider
}

// roleError says that a role could not be assumed.
type roleError struct {
	arn string
	err error
}

// Error implements error.
func (e *roleError) Error() string { return fmt.Sprintf("cannot assume %s: %s", e.arn, e.err) }

// Unwrap returns the SDK's error.
func (e *roleError) Unwrap() error { return e.err }

// Retrieve implements aws.CredentialsProvider.
func (r *role) Retrieve(ctx context.Context) (aws.Credentials, error) {
	keys, err := r.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		err = &roleError{r.arn, err}
	}
	return keys, err
}

// fault is what a code of AWS means.
type fault struct {
	text, hint string
	passing    bool
}

// faults are AWS's codes in words. Sources: "Error responses" in the S3 API reference,
// "Common errors" in those of STS and SQS.
var faults = map[string]fault{
	"NoSuchBucket":                            {"there is no such bucket", "check its name, and that it is in this partition", false},
	"NoSuchKey":                               {"the object is not there any more", "a lifecycle rule or somebody removed it", false},
	"NoSuchVersion":                           {"this version of the object is not there any more", "", false},
	"PreconditionFailed":                      {"the object was replaced while it was read", "it is read again", true},
	"InvalidObjectState":                      {"the object is archived in S3 Glacier", "restore it first (aws s3api restore-object), then read it again", false},
	"PermanentRedirect":                       {"the bucket is in another region", "set region to the bucket's region", false},
	"IllegalLocationConstraintException":      {"the bucket is in another region", "set region to the bucket's region", false},
	"AuthorizationHeaderMalformed":            {"the request was signed for another region", "set region to the bucket's region", false},
	"RequestTimeTooSkewed":                    {"this machine's clock is more than 15 minutes off", "set the clock (NTP)", true},
	"RequestExpired":                          {"this machine's clock is off", "set the clock (NTP)", true},
	"ExpiredToken":                            {"the credentials have expired", "sign in again (aws sso login), or give the machine a role, whose keys are renewed by themselves", true},
	"ExpiredTokenException":                   {"the credentials have expired", "sign in again (aws sso login), or give the machine a role, whose keys are renewed by themselves", true},
	"TokenRefreshRequired":                    {"the credentials have to be renewed", "sign in again (aws sso login)", true},
	"InvalidAccessKeyId":                      {"AWS does not know the access key", "it was deleted, is misspelt, or belongs to another partition or server", false},
	"InvalidClientTokenId":                    {"AWS does not know the access key", "it was deleted or deactivated, is misspelt, or belongs to another partition", false},
	"UnrecognizedClientException":             {"AWS does not know the access key", "it was deleted or deactivated, is misspelt, or belongs to another partition", false},
	"SignatureDoesNotMatch":                   {"the secret key does not fit the access key", "check AWS_SECRET_ACCESS_KEY; a proxy that changes requests has the same effect", false},
	"InvalidSecurity":                         {"the credentials are not valid", "", false},
	"SlowDown":                                {"S3 asks to slow down", "it is tried again; fewer readers of the same prefix help", true},
	"ServiceUnavailable":                      {"the service is not available", "it is tried again", true},
	"InternalError":                           {"the service failed", "it is tried again", true},
	"RequestTimeout":                          {"the service waited too long for the request", "it is tried again", true},
	"Throttling":                              {"AWS throttles requests", "they are tried again", true},
	"ThrottlingException":                     {"AWS throttles requests", "they are tried again", true},
	"RequestLimitExceeded":                    {"AWS throttles requests", "they are tried again", true},
	"TooManyRequestsException":                {"AWS throttles requests", "they are tried again", true},
	"AllAccessDisabled":                       {"the bucket is disabled", "ask AWS support", false},
	"AWS.SimpleQueueService.NonExistentQueue": {"there is no such queue", "check its URL and region", false},
	"QueueDoesNotExist":                       {"there is no such queue", "check its URL and region", false},
	"KMS.DisabledException":                   {"the KMS key that encrypts it is disabled", "enable the key", false},
	"KMS.NotFoundException":                   {"the KMS key that encrypts it does not exist any more", "what it encrypted cannot be read", false},
	"KMS.KMSInvalidStateException":            {"the KMS key that encrypts it is not usable in its present state", "it may be pending deletion: cancel that", false},
}

// Explain puts an error of the SDK into words, with a way out where one is known. An
// error of the context, nil, and an error that is none of AWS's are returned as they are.
func Explain(err error) error {
	// A connection that nobody answers is a DeadlineExceeded, too.
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) && !errors.As(err, new(*net.OpError)) {
		return err
	}
	var known *Fault
	if errors.As(err, &known) {
		return err
	}
	f := &Fault{err: err}
	var assuming *roleError
	var api smithy.APIError
	switch {
	case errors.As(err, &api):
		f.api(api, status(err))
	case noKeys(err):
		f.Text = "there are no AWS credentials"
		f.Hint = "set AWS_PROFILE or AWS_ACCESS_KEY_ID, run where a role is attached, or name a profile"
	case errors.Is(err, io.ErrUnexpectedEOF):
		f.Text, f.Passing = "the connection broke in the middle of an answer", true
	default:
		if !f.network(err) && !f.http(err) {
			return err
		}
	}
	if errors.As(err, &assuming) {
		if f.denied() {
			f.Text, f.Hint = "AWS refuses", "the trust policy of the role must name this identity (and the external id), and this identity needs sts:AssumeRole"
			if api != nil {
				f.Text += " (" + api.ErrorMessage() + ")"
			}
		}
		f.Text = "cannot assume " + assuming.arn + ": " + f.Text
	}
	return f
}

func (f *Fault) denied() bool {
	return f.Code == "AccessDenied" || f.Code == "AccessDeniedException" || f.Code == "Forbidden" || f.Code == "AllAccessDisabled"
}

// api explains an answer of AWS.
func (f *Fault) api(e smithy.APIError, status int) {
	f.Code = e.ErrorCode()
	text := e.ErrorMessage()
	if i := strings.IndexAny(f.Code, "#:"); i >= 0 && f.Code[:i] != "KMS" {
		f.Code = f.Code[i+1:]
	}
	known, ok := faults[f.Code]
	switch {
	case f.denied():
		f.Text = "access is denied"
		f.Hint = refusal(text)
	case ok:
		f.Text, f.Hint, f.Passing = known.text, known.hint, known.passing
	case f.Code == "NotFound" || status == http.StatusNotFound: // of HEAD, which has no body
		f.Text = "it does not exist"
	case status >= 500:
		f.Text, f.Passing = fmt.Sprintf("the service answers %d (%s)", status, f.Code), true
	default:
		f.Text = f.Code
	}
	if text != "" && !ok && !strings.Contains(f.Text, text) {
		f.Text += " (" + text + ")"
	}
}

// refusal says what lacks, by the text of an AccessDenied.
func refusal(text string) string {
	lower := strings.ToLower(text)
	switch {
	case strings.Contains(lower, "kms:decrypt") || strings.Contains(lower, "kms") && strings.Contains(lower, "decrypt"):
		return "the object is encrypted with a KMS key (SSE-KMS), and the key policy does not let this role decrypt with it: allow kms:Decrypt in the key policy and in the role's policy"
	case strings.Contains(lower, "kms"):
		return "the KMS key's policy does not let this role use the key: allow kms:Decrypt in the key policy and in the role's policy"
	case strings.Contains(lower, "explicit deny") && strings.Contains(lower, "service control policy"):
		return "a service control policy of the organization denies it"
	case strings.Contains(lower, "explicit deny"):
		return "a policy denies it explicitly: look for a Deny in the bucket's or queue's policy and in the role's"
	case strings.Contains(lower, "requester pays"):
		return "the reader pays for this bucket: set requester_pays"
	}
	return "the role needs s3:ListBucket on the bucket, s3:GetObject on its objects and kms:Decrypt on their key (a queue: sqs:ReceiveMessage, sqs:DeleteMessage, sqs:ChangeMessageVisibility), and the resource's own policy must allow it; for a bucket where the reader pays, set requester_pays"
}

// noKeys reports whether the SDK found no credentials.
func noKeys(err error) bool {
	text := err.Error()
	return strings.Contains(text, "failed to refresh cached credentials") || strings.Contains(text, "get identity: get credentials") || strings.Contains(text, "no EC2 IMDS role found")
}

// network explains that there was no answer.
func (f *Fault) network(err error) bool {
	var name *net.DNSError
	var op *net.OpError
	var timeout net.Error
	switch {
	case errors.As(err, &name):
		f.Text, f.Hint, f.Passing = fmt.Sprintf("the name %q cannot be resolved", name.Name), "check region and endpoint, and the machine's DNS", true
	case errors.As(err, &op):
		f.Text, f.Hint, f.Passing = op.Err.Error(), "check region and endpoint, and that the network lets this machine out", true
		if op.Addr != nil {
			f.Text = op.Addr.String() + ": " + f.Text
		}
	case errors.As(err, &timeout) && timeout.Timeout():
		f.Text, f.Passing = "no answer came in time", true
	default:
		return false
	}
	return true
}

// http explains an answer without a code.
func (f *Fault) http(err error) bool {
	code := status(err)
	if code == 0 {
		return false
	}
	f.Text, f.Passing = fmt.Sprintf("the server answers %d %s", code, http.StatusText(code)), code >= 500
	if code < 300 {
		f.Text, f.Passing = "the server's answer cannot be read", true // it broke off, or is none of S3's
	}
	return true
}

func status(err error) int {
	var r *smithyhttp.ResponseError
	if errors.As(err, &r) {
		return r.HTTPStatusCode()
	}
	return 0
}

// Passing reports whether a request that failed may succeed later without anybody's
// help. What is not understood may.
func Passing(err error) bool {
	var f *Fault
	if errors.As(Explain(err), &f) {
		return f.Passing
	}
	return true
}
