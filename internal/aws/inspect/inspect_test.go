package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"bluetrail/internal/config"
)

const (
	trailARN = "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main"
	keyARN   = "arn:aws:kms:eu-west-1:111122223333:key/0a1b"
)

// answers are those of an account in which all is well: for S3 by the query of the
// request, for the others by operation. A text that begins with an exclamation mark is
// an error with this code.
func answers() map[string]string {
	source := `"Condition":{"StringEquals":{"aws:SourceArn":"` + trailARN + `"}}`
	quoted := func(doc string) string { b, _ := json.Marshal(doc); return string(b) }
	return map[string]string{
		"GetCallerIdentity": `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::111122223333:assumed-role/bluetrail-reader/bluetrail</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`,
		"DescribeTrails": `{"trailList":[{"Name":"main","TrailARN":"` + trailARN + `","HomeRegion":"eu-west-1","S3BucketName":"logs","KmsKeyId":"` + keyARN + `","IsMultiRegionTrail":true,` +
			`"LogFileValidationEnabled":true,"IsOrganizationTrail":true,"IncludeGlobalServiceEvents":true},{"Name":"other","S3BucketName":"elsewhere"}]}`,
		"GetTrailStatus": `{"IsLogging":true}`,
		"GetEventSelectors": `{"AdvancedEventSelectors":[{"FieldSelectors":[{"Field":"eventCategory","Equals":["Management"]}]},{"FieldSelectors":[{"Field":"eventCategory","Equals":["Data"]},{"Field":"resources.type","Equals":["AWS::S3::Object"]}]},` +
			`{"FieldSelectors":[{"Field":"eventCategory","Equals":["NetworkActivity"]}]}]}`,
		"ListAccounts": `{"Accounts":[{"Id":"111122223333","Name":"main"}]}`,
		"DescribeKey":  `{"KeyMetadata":{"KeyState":"Enabled","KeyManager":"CUSTOMER"}}`,
		"GetKeyPolicy": `{"Policy":` + quoted(`{"Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"kms:GenerateDataKey*",`+source+`}}`) + `}`,
		"GetQueueAttributes": `{"Attributes":{"ApproximateNumberOfMessages":"3","MessageRetentionPeriod":"1209600","VisibilityTimeout":"300","RedrivePolicy":"{}","Policy":` +
			quoted(`{"Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sqs:SendMessage","Condition":{"ArnEquals":{"aws:SourceArn":"arn:aws:sns:eu-west-1:111122223333:t"}}}]}`) + `}}`,
		"list-type":         `<ListBucketResult><Contents><Key>AWSLogs/a.txt</Key></Contents><Contents><Key>AWSLogs/a.json.gz</Key></Contents></ListBucketResult>`,
		"object":            `x`,
		"publicAccessBlock": `<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>`,
		"policy": `{"Statement":[{"Effect":"Allow","Principal":{"Service":["cloudtrail.amazonaws.com"]},"Action":"s3:PutObject",` + source + `},` +
			`{"Effect":"Deny","Principal":"*","Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`,
		"versioning": `<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>`,
		"encryption": `<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>` + keyARN + `</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>`,
		"lifecycle":  `<LifecycleConfiguration><Rule><ID>keep</ID><Status>Enabled</Status></Rule></LifecycleConfiguration>`,
	}
}

// amazon speaks the APIs of CloudTrail, KMS, Organizations, SQS, STS and S3.
func amazon(t *testing.T, say map[string]string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Authorization"), "AKIDEXAMPLE") {
			t.Errorf("%s is not signed", r.URL)
		}
		body, _ := io.ReadAll(r.Body)
		what, xml := "", false
		switch target := r.Header.Get("X-Amz-Target"); {
		case target != "":
			what = target[strings.LastIndexByte(target, '.')+1:]
		case r.Method == http.MethodPost:
			what, xml = "GetCallerIdentity", true
			if !strings.Contains(string(body), "Action=GetCallerIdentity") {
				t.Errorf("unknown call %s", body)
			}
		default:
			xml = true
			if what = "object"; r.URL.Query().Get("x-id") != "GetObject" && strings.Count(r.URL.Path, "/") < 2 {
				for name := range r.URL.Query() {
					if _, ok := say[name]; ok {
						what = name
					}
				}
			}
		}
		answer, ok := say[what]
		if !ok {
			t.Errorf("nothing is said about %s %s %s", r.Method, r.URL, what)
		}
		if code, bad := strings.CutPrefix(answer, "!"); bad {
			w.WriteHeader(http.StatusForbidden)
			answer = fmt.Sprintf(`{"__type":"x#%s","message":"no"}`, code)
			if xml {
				answer = fmt.Sprintf(`<Error><Code>%s</Code><Message>no</Message></Error>`, code)
			}
		}
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func look(t *testing.T, say map[string]string) []Finding {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s := amazon(t, say)
	list, err := Check(t.Context(), Source{
		Access:  config.Access{Region: "eu-west-1", Endpoint: s.URL, PathStyle: true},
		Buckets: []string{"logs/prefix"}, Queue: s.URL + "/111122223333/trail", Organization: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAllIsWell(t *testing.T) {
	list := look(t, answers())
	if len(list) < 15 {
		t.Errorf("only %d things were looked at", len(list))
	}
	for _, f := range list {
		if f.State != Fine {
			t.Errorf("%+v", f)
		}
	}
}

// TestEachFault: each thing that is wrong is found, alone, with what to change.
func TestEachFault(t *testing.T) {
	fine := answers()
	but := func(what, old, new string) map[string]string {
		t.Helper()
		say := maps.Clone(fine)
		if old == "" {
			say[what] = new
		} else if say[what] = strings.ReplaceAll(fine[what], old, new); say[what] == fine[what] {
			t.Fatalf("%s does not say %s", what, old)
		}
		return say
	}
	for _, c := range []struct {
		say       map[string]string
		state     State
		text, fix string
	}{
		{but("GetCallerIdentity", "", "!ExpiredToken"), Problem, "the credentials have expired", ""},
		{but("DescribeTrails", `"IsMultiRegionTrail":true`, `"IsMultiRegionTrail":false`), Problem, "one region only", "update-trail --name " + trailARN + " --is-multi-region-trail"},
		{but("DescribeTrails", `"LogFileValidationEnabled":true`, `"LogFileValidationEnabled":false`), Problem, "validation is off", "--enable-log-file-validation"},
		{but("DescribeTrails", `"IncludeGlobalServiceEvents":true`, `"x":1`), Problem, "leaves out IAM", "--include-global-service-events"},
		{but("DescribeTrails", `"IsOrganizationTrail":true`, `"x":1`), Advice, "one account", "--is-organization-trail"},
		{but("DescribeTrails", `"S3BucketName":"logs"`, `"S3BucketName":"third"`), Advice, "no trail of this account", "deploy/aws"},
		{but("DescribeTrails", "", "!AccessDeniedException"), Unknown, "access is denied", "allow cloudtrail:DescribeTrails"},
		{but("GetTrailStatus", "true", "false"), Problem, "it is not logging", "start-logging --name " + trailARN},
		{but("GetTrailStatus", "true", `true,"LatestDeliveryError":"AccessDenied"`), Problem, "last delivery failed: AccessDenied", "bucket's policy"},
		{but("GetEventSelectors", `"Data"`, `"Management"`), Advice, "no data events", "put-event-selectors"},
		{but("GetEventSelectors", `NetworkActivity`, `Management`), Advice, "no network activity", "put-event-selectors"},
		{but("GetEventSelectors", `["Management"]}`, `["Management"]},{"Field":"readOnly","Equals":["false"]}`), Problem, "not record all management events", "put-event-selectors"},
		{but("ListAccounts", "", "!AccessDeniedException"), Unknown, "access is denied", "organizations:ListAccounts"},
		{but("list-type", "", "!AccessDenied"), Problem, "cannot be listed", "s3:ListBucket"},
		{but("list-type", "a.json.gz", "b.txt"), Advice, "no log file", ""},
		{but("object", "", "!AccessDenied"), Problem, "files cannot be read", "kms:Decrypt"},
		{but("publicAccessBlock", "<BlockPublicPolicy>true", "<BlockPublicPolicy>false"), Problem, "public access is not blocked", "put-public-access-block --bucket logs"},
		{but("publicAccessBlock", "", "!NoSuchPublicAccessBlockConfiguration"), Problem, "public access is not blocked", "put-public-access-block"},
		{but("policy", "", "!NoSuchBucketPolicy"), Problem, "no policy", "deploy/aws"},
		{but("policy", "cloudtrail.amazonaws.com", "config.amazonaws.com"), Problem, "does not let CloudTrail write", "CloudTrailWrites"},
		{but("policy", "aws:SourceArn", "s3:x-amz-acl"), Problem, "for any account", "aws:SourceArn"},
		{but("policy", "aws:SecureTransport", "x"), Advice, "without TLS", "OnlyTLS"},
		{but("policy", `{"Statement":[`, `{"Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":["s3:GetObject"]},`), Problem, "lets everybody do s3:GetObject", "remove"},
		{but("versioning", "Enabled", "Suspended"), Advice, "versioning is off", "put-bucket-versioning --bucket logs"},
		{but("lifecycle", "", "!NoSuchLifecycleConfiguration"), Advice, "no lifecycle", "deploy/aws"},
		{but("encryption", "", "!AccessDenied"), Unknown, "access is denied", "s3:GetEncryptionConfiguration"},
		{but("GetQueueAttributes", "", "!AccessDenied"), Unknown, "access is denied", "sqs:GetQueueAttributes"},
		{but("GetQueueAttributes", "sns.amazonaws.com", "lambda.amazonaws.com"), Problem, "neither SNS nor S3 nor EventBridge", "sqs:SendMessage"},
		{but("GetQueueAttributes", "aws:SourceArn", "aws:Other"), Problem, "anybody can announce files", "ARN of the topic"},
		{but("GetQueueAttributes", `"RedrivePolicy":"{}",`, ""), Advice, "no dead-letter queue", "RedrivePolicy"},
		{but("GetQueueAttributes", "1209600", "3600"), Advice, "keeps messages for less than four days", "MessageRetentionPeriod=1209600"},
		{but("GetQueueAttributes", `"300"`, `"5"`), Advice, "hides messages for 5 s", "VisibilityTimeout=300"},
		{but("DescribeKey", "Enabled", "PendingDeletion"), Problem, "it is PendingDeletion", "cancel-key-deletion"},
		{but("DescribeKey", "CUSTOMER", "AWS"), Advice, "AWS's own key", "key of your own"},
		{but("GetKeyPolicy", "cloudtrail.amazonaws.com", "s3.amazonaws.com"), Problem, "does not let CloudTrail encrypt", "CloudTrailEncrypts"},
		{but("GetKeyPolicy", "aws:SourceArn", "x"), Advice, "for any account", "aws:SourceArn"},
		{but("GetKeyPolicy", "", "!AccessDeniedException"), Unknown, "access is denied", "kms:GetKeyPolicy"},
	} {
		var wrong []Finding
		for _, f := range look(t, c.say) {
			if f.State != Fine {
				wrong = append(wrong, f)
			}
		}
		if len(wrong) != 1 || wrong[0].State != c.state || !strings.Contains(wrong[0].Text, c.text) || !strings.Contains(wrong[0].Fix, c.fix) {
			t.Errorf("wanted %s %q with fix %q, got %+v", c.state, c.text, c.fix, wrong)
		}
	}
}
