//! What the mails about accounts say. Pure.
//!
//! They call people by their username, which takes letters and digits alone: a display name is free text, and a mail that carries a
//! stranger's words under our name is a gift to spammers.

use serde::{Deserialize, Serialize};

use crate::base::locale::Locale;

/// Something the owner of an account should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// Somebody asked to move the account to another address.
    MoveAsked,
    /// The account belongs to another address now.
    EmailMoved,
    /// The account has another password now.
    PasswordChanged,
}

/// A mail about an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// Follow this link to prove the address.
    Proof(&'a str),
    /// Follow this link to choose a new password.
    Reset(&'a str),
    /// Somebody else asked for the address of this account.
    AddressWanted,
    /// Something happened.
    Notice(Notice),
}

/// The subject and the text of a mail to the owner of an account.
pub fn write(locale: Locale, username: Option<&str>, subject: Subject<'_>) -> (&'static str, String) {
    let (title, text) = match locale {
        Locale::En => english(subject),
        Locale::Fr => french(subject),
        Locale::Es => spanish(subject),
    };
    let greeting = match locale {
        Locale::En => "Hello",
        Locale::Fr => "Bonjour",
        Locale::Es => "Hola",
    };
    let name = username.map(|name| format!(" {name}")).unwrap_or_default();
    (title, format!("{greeting}{name},\n\n{text}\n"))
}

fn english(subject: Subject<'_>) -> (&'static str, String) {
    match subject {
        Subject::Proof(link) => (
            "Confirm your email address",
            format!(
                "please confirm that this address is to belong to your account:\n\n{link}\n\nThe link is good for a day and works \
                 once. If you did not ask for it, ignore this mail."
            ),
        ),
        Subject::Reset(link) => (
            "Choose a new password",
            format!(
                "somebody asked for a new password for your account. If it was you, choose one here:\n\n{link}\n\nThe link is good \
                 for an hour and works once. If it was not you, ignore this mail: your password stays as it is."
            ),
        ),
        Subject::AddressWanted => (
            "Your email address is in use already",
            "somebody asked to use this address for another account. It belongs to yours and stays there. If it was you, sign in to \
             this account instead; if not, you need do nothing."
                .to_owned(),
        ),
        Subject::Notice(Notice::MoveAsked) => (
            "Your account is about to get another address",
            "somebody who is signed in to your account asked to move it to another email address, which has to be proved first. If it \
             was not you, change your password now and sign out everywhere."
                .to_owned(),
        ),
        Subject::Notice(Notice::EmailMoved) => (
            "Your account has another address now",
            "your account has moved to another email address, and mails go there from now on. If it was not you, write to us at once."
                .to_owned(),
        ),
        Subject::Notice(Notice::PasswordChanged) => (
            "Your password was changed",
            "the password of your account was changed, and every device was signed out. If it was not you, ask for a new password at \
             once."
                .to_owned(),
        ),
    }
}

fn french(subject: Subject<'_>) -> (&'static str, String) {
    match subject {
        Subject::Proof(link) => (
            "Confirmez votre adresse e-mail",
            format!(
                "veuillez confirmer que cette adresse doit appartenir à votre compte :\n\n{link}\n\nLe lien est valable un jour et \
                 ne sert qu'une fois. Si vous n'avez rien demandé, ignorez ce message."
            ),
        ),
        Subject::Reset(link) => (
            "Choisissez un nouveau mot de passe",
            format!(
                "quelqu'un a demandé un nouveau mot de passe pour votre compte. Si c'était vous, choisissez-le ici :\n\n{link}\n\nLe \
                 lien est valable une heure et ne sert qu'une fois. Sinon, ignorez ce message : votre mot de passe ne change pas."
            ),
        ),
        Subject::AddressWanted => (
            "Votre adresse e-mail sert déjà",
            "quelqu'un a voulu utiliser cette adresse pour un autre compte. Elle appartient au vôtre et y reste. Si c'était vous, \
             connectez-vous plutôt à ce compte ; sinon, vous n'avez rien à faire."
                .to_owned(),
        ),
        Subject::Notice(Notice::MoveAsked) => (
            "Votre compte va changer d'adresse",
            "quelqu'un qui est connecté à votre compte a demandé à lui donner une autre adresse e-mail, qui doit encore être \
             confirmée. Si ce n'était pas vous, changez votre mot de passe et déconnectez tous vos appareils."
                .to_owned(),
        ),
        Subject::Notice(Notice::EmailMoved) => (
            "Votre compte a une autre adresse",
            "votre compte a une autre adresse e-mail, à laquelle nous écrirons désormais. Si ce n'était pas vous, écrivez-nous tout \
             de suite."
                .to_owned(),
        ),
        Subject::Notice(Notice::PasswordChanged) => (
            "Votre mot de passe a changé",
            "le mot de passe de votre compte a changé et tous les appareils ont été déconnectés. Si ce n'était pas vous, demandez \
             tout de suite un nouveau mot de passe."
                .to_owned(),
        ),
    }
}

fn spanish(subject: Subject<'_>) -> (&'static str, String) {
    match subject {
        Subject::Proof(link) => (
            "Confirma tu correo",
            format!(
                "confirma que esta dirección debe pertenecer a tu cuenta:\n\n{link}\n\nEl enlace vale un día y sirve una sola vez. \
                 Si no lo has pedido, ignora este mensaje."
            ),
        ),
        Subject::Reset(link) => (
            "Elige una nueva contraseña",
            format!(
                "alguien ha pedido una nueva contraseña para tu cuenta. Si has sido tú, elígela aquí:\n\n{link}\n\nEl enlace vale \
                 una hora y sirve una sola vez. Si no, ignora este mensaje: tu contraseña no cambia."
            ),
        ),
        Subject::AddressWanted => (
            "Tu correo ya está en uso",
            "alguien ha querido usar esta dirección para otra cuenta. Pertenece a la tuya y ahí se queda. Si has sido tú, entra en \
             esta cuenta; si no, no tienes que hacer nada."
                .to_owned(),
        ),
        Subject::Notice(Notice::MoveAsked) => (
            "Tu cuenta va a cambiar de correo",
            "alguien que ha entrado en tu cuenta ha pedido darle otra dirección de correo, que aún debe confirmarse. Si no has sido \
             tú, cambia tu contraseña y cierra todas las sesiones."
                .to_owned(),
        ),
        Subject::Notice(Notice::EmailMoved) => (
            "Tu cuenta tiene otro correo",
            "tu cuenta tiene otra dirección de correo, y a ella escribiremos desde ahora. Si no has sido tú, escríbenos enseguida."
                .to_owned(),
        ),
        Subject::Notice(Notice::PasswordChanged) => (
            "Tu contraseña ha cambiado",
            "la contraseña de tu cuenta ha cambiado y se han cerrado todas las sesiones. Si no has sido tú, pide enseguida una nueva."
                .to_owned(),
        ),
    }
}
