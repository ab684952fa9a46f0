/** The fields of a UnionPay account, in the order of a form. Their types and forms are the schema's (`config.ts`). */
import type { ConfigField } from "../contract.ts";

/** The certificate and the key that a merchant downloads as one pfx file, and what UnionPay publishes beside them. */
export const unionpayFields: readonly ConfigField[] = [
  {
    name: "mer_id",
    label: { zh: "商户号（merId）", en: "Merchant number (merId)" },
    hint: { zh: "入网后由银联分配的 15 位代码", en: "The 15 characters that UnionPay assigned" },
    secret: false,
    required: true,
    input: "text",
  },
  {
    name: "merchant_certificate",
    label: { zh: "商户签名证书（PEM）", en: "Merchant signing certificate (PEM)" },
    hint: {
      zh: "由 acp_sign.pfx 导出：openssl pkcs12 -in acp_sign.pfx -nokeys",
      en: "From acp_sign.pfx: openssl pkcs12 -in acp_sign.pfx -nokeys",
    },
    secret: false,
    required: true,
    input: "file",
  },
  {
    name: "merchant_private_key",
    label: { zh: "商户签名私钥（PEM）", en: "Merchant signing key (PEM)" },
    hint: {
      zh: "由 acp_sign.pfx 导出：openssl pkcs12 -in acp_sign.pfx -nocerts -nodes",
      en: "From acp_sign.pfx: openssl pkcs12 -in acp_sign.pfx -nocerts -nodes",
    },
    secret: true,
    required: true,
    input: "file",
  },
  {
    name: "root_certificate",
    label: { zh: "银联根证书（PEM）", en: "UnionPay's root certificate (PEM)" },
    hint: { zh: "acp_prod_root.cer", en: "acp_prod_root.cer" },
    secret: false,
    required: true,
    input: "file",
  },
  {
    name: "middle_certificates",
    label: { zh: "银联中级证书", en: "UnionPay's middle certificates" },
    hint: {
      zh: "acp_prod_middle.cer；银联更换时新旧并存，换完再删旧的",
      en: "acp_prod_middle.cer; while UnionPay changes it, the old and the new one together",
    },
    secret: false,
    required: true,
    input: "list",
    items: [
      {
        name: "pem",
        label: { zh: "中级证书（PEM）", en: "Middle certificate (PEM)" },
        secret: false,
        required: true,
        input: "file",
      },
    ],
  },
  {
    name: "signer_name",
    label: { zh: "银联签名证书的持有者", en: "Holder of the certificate that UnionPay signs with" },
    hint: {
      zh: "证书 CN 的第三段；留空为“中国银联股份有限公司”",
      en: "The third part of its CN; 中国银联股份有限公司 when left empty",
    },
    secret: false,
    required: false,
    input: "text",
  },
  {
    name: "terminal_id",
    label: { zh: "终端号（termId）", en: "Terminal number (termId)" },
    hint: { zh: "扫付款码时上送；未分配则留空", en: "Sent with shown codes; empty where none is assigned" },
    secret: false,
    required: false,
    input: "text",
  },
  {
    name: "same_day_refund",
    label: { zh: "当日全额退款方式", en: "Refunds of the whole amount on the day of the payment" },
    hint: {
      zh: "撤销到账更快，但极少数发卡行不支持；留空为退货",
      en: "An undo is faster, and a few issuing banks do not take it; a refund when left empty",
    },
    secret: false,
    required: false,
    input: "choice",
    choices: [
      { value: "refund", label: { zh: "退货（04）", en: "Refund (04)" } },
      { value: "undo", label: { zh: "消费撤销（31）", en: "Undo (31)" } },
    ],
  },
  {
    name: "base_url",
    label: { zh: "网关地址", en: "Gateway address" },
    hint: {
      zh: "留空为 https://gateway.95516.com",
      en: "https://gateway.95516.com when left empty",
    },
    secret: false,
    required: false,
    input: "address",
  },
];
