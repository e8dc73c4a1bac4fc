//! Invoices: draft, then open, then paid or void. <https://docs.stripe.com/api/invoices>

use super::{
    check, money,
    objects::{Invoice, InvoiceItem, Metadata},
    wire::operation,
};
use crate::error::Error;

operation! {
    /// Puts a line onto a customer's next invoice, or onto a draft.
    ///
    /// <https://docs.stripe.com/api/invoiceitems/create>. Access `write`. Repeated with the same idempotency key it makes
    /// one.
    ///
    /// Example: `{"customer": "cus_NffrFeUfNV2Hib", "amount": 4000, "currency": "usd", "description": "Yearbook"}`
    CreateInvoiceItem = "createInvoiceItem", Write, WithKey -> InvoiceItem,
    discloses { "customer": Financial(Guardian), "amount": Financial(Guardian), "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["invoiceitems"]
    by {}
    required {
        /// Who pays: a customer's id.
        customer: String,
        /// How much, in the currency's smallest unit; below 0 it is a credit.
        amount: i64,
        /// The currency, in lower case.
        currency: String,
    }
    optional {
        /// What for, as the payer reads it.
        description: String,
        /// The draft it goes onto. Default: the customer's next invoice.
        invoice: String,
        /// Notes of the school's own.
        metadata: Metadata,
    }
    check |this| {
        check::id("customer", &this.customer)?;
        check::currency("currency", &this.currency)?;
        if this.amount == 0 || this.amount.unsigned_abs() > money::MOST.unsigned_abs() {
            let why = format!("must not be 0, nor beyond {} either way, in the currency's smallest unit", money::MOST);
            return Err(Error::invalid("amount", why));
        }
        check::step("amount", this.amount, &this.currency)?;
        check::some_id("invoice", &this.invoice)?;
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Makes a draft of an invoice.
    ///
    /// <https://docs.stripe.com/api/invoices/create>. Access `write`. Repeated with the same idempotency key it makes one.
    ///
    /// Example: `{"customer": "cus_NffrFeUfNV2Hib", "collectionMethod": "send_invoice", "daysUntilDue": 30}`
    CreateInvoice = "createInvoice", Write, WithKey -> Invoice,
    discloses { "customer": Financial(Guardian), "description": Financial(Guardian), "metadata": Financial(Guardian) }
    Post |this| ["invoices"]
    by {}
    required {
        /// Who pays: a customer's id.
        customer: String,
    }
    optional {
        /// `charge_automatically`, or `send_invoice` to have the customer pay on Stripe's page.
        collection_method: String,
        /// With `send_invoice`: how many days the customer has.
        days_until_due: u32,
        /// Whether Stripe goes on with it by itself. Default here: no, `finalizeInvoice` does.
        auto_advance: bool,
        /// `include` puts the customer's waiting lines onto it, `exclude` leaves them. Stripe's default is `exclude`.
        pending_invoice_items_behavior: String,
        /// The currency, where there are no lines yet.
        currency: String,
        /// What the payer reads above the lines.
        description: String,
        /// Notes of the school's own.
        metadata: Metadata,
    }
    check |this| {
        check::id("customer", &this.customer)?;
        if let Some(currency) = &this.currency {
            check::currency("currency", currency)?;
        }
        match this.collection_method.as_deref() {
            None | Some("charge_automatically") if this.days_until_due.is_some() => {
                return Err(Error::invalid("daysUntilDue", "is for collectionMethod send_invoice"));
            }
            Some("send_invoice") if this.days_until_due.is_none() => {
                return Err(Error::invalid("daysUntilDue", "is required with send_invoice"));
            }
            None | Some("charge_automatically" | "send_invoice") => {}
            Some(_) => return Err(Error::invalid("collectionMethod", "must be charge_automatically or send_invoice")),
        }
        if !matches!(this.pending_invoice_items_behavior.as_deref(), None | Some("include" | "exclude")) {
            return Err(Error::invalid("pendingInvoiceItemsBehavior", "must be include or exclude"));
        }
        check::metadata(&this.metadata)?;
    }
}

operation! {
    /// Reads an invoice.
    ///
    /// <https://docs.stripe.com/api/invoices/retrieve>. Access `read`. Errors: `not_found`.
    ///
    /// Example: `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`
    GetInvoice = "getInvoice", Read, Always -> Invoice,
    discloses {}
    Get |this| ["invoices", &this.invoice]
    by {
        /// The invoice's id.
        invoice: String,
    }
    required {}
    optional {}
}

operation! {
    /// Finishes a draft: it gets its number and can be paid, and no longer be changed.
    ///
    /// <https://docs.stripe.com/api/invoices/finalize>. Access `pay`. Errors: `not_found`; `vendor` for one that is no draft.
    ///
    /// Example: `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`
    FinalizeInvoice = "finalizeInvoice", Pay, WithKey -> Invoice,
    discloses {}
    Post |this| ["invoices", &this.invoice, "finalize"]
    by {
        /// The invoice's id.
        invoice: String,
    }
    required {}
    optional {
        /// Whether Stripe goes on with it by itself: charges, and reminds.
        auto_advance: bool,
    }
}

operation! {
    /// Has Stripe send an invoice to its customer by e-mail. In test mode nothing is sent.
    ///
    /// <https://docs.stripe.com/api/invoices/send>. Access `pay`. Errors: `not_found`; `vendor` for one that cannot be sent.
    ///
    /// Example: `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`
    SendInvoice = "sendInvoice", Pay, WithKey -> Invoice,
    discloses {}
    Post |this| ["invoices", &this.invoice, "send"]
    by {
        /// The invoice's id.
        invoice: String,
    }
    required {}
    optional {}
}

operation! {
    /// Pays an open invoice now.
    ///
    /// <https://docs.stripe.com/api/invoices/pay>. Access `pay`. Errors: `not_found`; `vendor` for one that is not open, and
    /// with code `card_declined` and the like.
    ///
    /// Example: `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv", "paidOutOfBand": true}`
    PayInvoice = "payInvoice", Pay, WithKey -> Invoice,
    discloses {}
    Post |this| ["invoices", &this.invoice, "pay"]
    by {
        /// The invoice's id.
        invoice: String,
    }
    required {}
    optional {
        /// How it is paid: a payment method of the customer's. Default: the customer's own.
        payment_method: String,
        /// It was paid elsewhere, in cash for one: only mark it.
        paid_out_of_band: bool,
        /// Whether the payer is not there to answer questions. Stripe's default is yes.
        off_session: bool,
    }
    check |this| { check::some_id("paymentMethod", &this.payment_method)?; }
    done |call, invoice| {
        if let (Some(paid), Some(currency)) = (invoice.amount_paid, &invoice.currency) {
            // Invoicing takes 0.4 % beside what the payment costs, which Stripe charges where it is made.
            let digits = money::exponent(currency).unwrap_or(2);
            call.charge(1, paid.saturating_mul(10_i64.pow(6 - digits)) / 1000 * 4, &currency.to_ascii_uppercase());
        }
    }
}

operation! {
    /// Makes an open invoice void: it keeps its number, and nothing is to be paid.
    ///
    /// <https://docs.stripe.com/api/invoices/void>. Access `pay`. Errors: `not_found`; `vendor` for one that is not open.
    ///
    /// Example: `{"invoice": "in_1MtHbELkdIwHu7ixl4OzzPMv"}`
    VoidInvoice = "voidInvoice", Pay, WithKey -> Invoice,
    discloses {}
    Post |this| ["invoices", &this.invoice, "void"]
    by {
        /// The invoice's id.
        invoice: String,
    }
    required {}
    optional {}
}
