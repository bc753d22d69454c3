# La page
app-tagline = Directement d’un appareil à l’autre
language = Langue
theme = Couleurs
theme-system = Comme le système
theme-light = Clair
theme-dark = Sombre
close = Fermer
dismiss = Fermer ce message

# Ce qui protège
protected = Comment c’est protégé
protected-title = Ce que vous partagez va droit à l’autre appareil
protected-direct = Fichiers, dossiers et textes passent directement d’un appareil à l’autre, chiffrés de bout en bout. Le serveur ne fait que mettre les appareils en relation ; il ne voit jamais ni contenus, ni noms, ni tailles.
protected-proof = Avant le moindre octet, les deux appareils prouvent qu’ils connaissent le code ou le lien. Qui se place entre eux n’apprend rien.
protected-check = Chaque morceau est vérifié à l’arrivée. Un fichier n’est terminé que s’il est identique à l’original.
protected-limit = Une limite, en toute honnêteté : cette page vient elle-même d’un serveur. Si vous ne faites pas confiance à qui le gère, hébergez le vôtre ou utilisez l’application.

# Proposer
share-title = Partager des fichiers, des dossiers ou du texte
share-drop = Déposez des fichiers ou des dossiers ici
share-drop-hint = Vous obtenez un code et un lien à transmettre. Rien ne quitte cet appareil avant que quelqu’un l’accepte.
share-more = Ajouter des fichiers ou des dossiers
share-more-hint = Déposez-les n’importe où sur cette page.
point-direct = Sans téléversement
point-direct-more = Cela va droit de cet appareil à l’autre.
point-sealed = Chiffré de bout en bout
point-sealed-more = Le serveur vous met en relation et n’en voit rien.
point-checked = Vérifié à l’arrivée
point-checked-more = Ce qui arrive est identique à l’original, sinon vous le savez.
share-let-go = Relâchez pour partager
choose-files = Choisir des fichiers
choose-folder = Choisir un dossier

# Texte
text-title = Texte
text-placeholder = Ou écrivez, ou collez un texte…
text-share = Partager le texte
text-synced = Partagé. Ce que vous tapez s’affiche aussi de l’autre côté.
text-tools = Mise en forme
text-bold = Gras
text-italic = Italique
text-underline = Souligné
text-code = Code
text-list = Liste
text-link = Lien
text-link-address = Adresse du lien
text-link-set = Créer le lien
text-copy = Copier le texte

# Rejoindre
join-title = Rejoindre un salon
join-label = Code ou lien
join-placeholder = 123456-word-word-word
join-hint = La personne qui partage vous le donne.
join-missing-words = Un code se compose d’un salon et de trois mots.
join-too-many-words = Il y a trop de mots.
join-unknown-word = « { $word } » ne fait pas partie des mots qui forment les codes.
join-bad-room = Ce qui précède les mots n’est pas un nom de salon.
join-bad-link = Le lien est incomplet. Copiez-le en entier.
join = Rejoindre
joining = Connexion…
go-back = Retourner dans { $room }
go-back-hint = Retenu sur cet appareil.
forget = Oublier

# Un salon au nom choisi
wish-title = Créer un salon avec son propre nom
wish-label = Nom du salon
wish-placeholder = our-room
wish-open = Ouvrir
wish-hint = De 3 à 63 lettres a–z, chiffres et tirets.
wish-checking = Vérification…
wish-free = Ce nom est libre.
wish-taken = Ce nom est déjà pris. Choisissez-en un autre.
wish-invalid = Seulement des lettres a–z, des chiffres et des tirets, de 3 à 63, en commençant par une lettre ou un chiffre.
wish-unknown = Le serveur est injoignable pour le moment. Vous pouvez tout de même essayer d’ouvrir le salon.
wish-wait = Trop de vérifications. Attendez { $seconds ->
        [one] { $seconds } seconde
       *[other] { $seconds } secondes
    } avant de continuer.

# Le salon
room-title = Votre salon
room-title-guest = Salon { $room }
room-opening = Création du salon…
room-code-copy = Copier le code
room-code-say = Dites-le, ou envoyez le lien :
room-link-copy = Copier le lien
room-qr = QR code
room-qr-alt = QR code du lien vers le salon
room-qr-copy = Copier l’image
room-qr-save = Enregistrer l’image
room-tries = { $tries ->
        [one] Encore { $tries } erreur et les mots changent
       *[other] Encore { $tries } erreurs et les mots changent
    }
room-keep = Retenir ce salon sur cet appareil
room-keep-hint = Pour revenir sans code.
room-leave = Quitter
room-reconnecting = Le serveur est injoignable. Ce qui est en cours continue ; personne de nouveau ne peut entrer.
copied = Copié
saved = Enregistré
copy-failed = La copie n’est pas permise ici. Sélectionnez et copiez à la main.

# Les membres
members = Dans ce salon
members-none = Personne d’autre ici pour l’instant
members-none-hint = Donnez à quelqu’un le code, le lien ou le QR code.
member-unnamed = Autre appareil
member-host = a créé le salon
member-verified = Prouvé et chiffré
member-connecting = Connexion…
member-lost = Connexion perdue. Nouvel essai…
member-refused = Refusé : cet appareil n’a pas prouvé qu’il connaît ce salon.
path-lan = Même réseau
path-lan-why = Les deux appareils sont sur le même réseau ; rien n’en sort.
path-direct = Direct
path-direct-why = Droit à travers Internet, sans étape intermédiaire.
path-relay = Par relais
path-relay-why = Cela passe par un relais, car vos réseaux empêchent une connexion directe. Toujours chiffré de bout en bout : le relais ne peut rien lire.
path-rtt = { $ms } ms
path-lanes = { $count } voies

# Ce qui est proposé
items-title = Proposé ici
items-empty-guest = Rien n’est encore proposé
items-empty-guest-hint = Dès que quelqu’un partage quelque chose, cela s’affiche ici.
items-waiting = En attente de la connexion
items-waiting-hint = Ce qui est proposé s’affiche ici dans un instant.
accept = Accepter
accept-all = Tout accepter
accept-again = Réessayer
save = Enregistrer
pause = Pause
resume = Reprendre
cancel = Annuler
remove = Retirer
withdraw = Ne plus proposer
item-text = Texte
item-files = { $files ->
        [one] { $files } fichier
       *[other] { $files } fichiers
    }
item-from = de la part de { $name }
item-out = proposé par vous
item-untaken = Pas encore accepté
item-waiting = Attend son tour
item-checking = Vérification de ce qui est déjà là
item-paused-here = Mis en pause par vous
item-paused-there = Mis en pause à l’autre bout
item-paused = En pause
item-verifying = Vérification des derniers morceaux
item-done-in-place = Complet et vérifié, dans le dossier que vous avez choisi
item-done = Complet et vérifié
item-failed = Arrêté par un problème
item-cancelled-here = Annulé par vous
item-cancelled-there = Annulé à l’autre bout
item-cancelled = Annulé
item-fetching = { $count ->
        [one] { $count } appareil en cours de réception
       *[other] { $count } appareils en cours de réception
    }
item-fetched = { $count ->
        [one] reçu { $count } fois
       *[other] reçu { $count } fois
    }
item-progress = Progression de { $name }
item-hash = BLAKE3
storage-private = Ce que vous acceptez est enregistré comme téléchargement une fois complet ; un dossier devient un seul zip. Si cette page se ferme avant, la suite reprend quand vous rouvrez le lien.
storage-directory = Si cette page se ferme avant que tout soit complet, la suite reprend quand vous rouvrez le lien, tant que le navigateur a de la place pour une seconde copie d’ici là.
storage-memory = Ce navigateur ne donne pas d’espace aux pages : seuls de petits éléments peuvent être acceptés, et seulement tant que cette page reste ouverte. Un navigateur plus récent ou une fenêtre non privée en accepte davantage.
app-unfinished = Quelque chose est inachevé dans le dossier de réception : { $size }. La suite reprend quand vous l’acceptez de nouveau ; gardé une semaine.
unfinished = Quelque chose est inachevé dans ce navigateur : { $size }. La suite reprend quand vous rouvrez son lien ; gardé une semaine.
unfinished-clear = Supprimer

# Chiffres
total = Au total
speed = { $amount }/s
of = { $done } sur { $size }
left-moment = presque fini
left-seconds = { $seconds ->
        [one] encore { $seconds } seconde
       *[other] encore { $seconds } secondes
    }
left-minutes = { $minutes ->
        [one] encore { $minutes } minute
       *[other] encore { $minutes } minutes
    }
left-hours = encore { $hours } h { $minutes } min

# Messages : ce qui s’est passé, pourquoi, et ce qu’on peut faire.
notice-wrong-words = Ces mots n’ouvrent pas ce salon
    .reason = Ils sont mal tapés, ou le salon a de nouveaux mots depuis.
    .next = { $number ->
        [unknown] Vérifiez-les avec la personne qui partage et réessayez.
        [0] Demandez les nouveaux mots.
        [one] Vérifiez-les avec la personne qui partage. Il reste un essai avant qu’ils changent.
       *[other] Vérifiez-les avec la personne qui partage. Il reste { $number } essais avant qu’ils changent.
    }
notice-wrong-link = Ce lien n’ouvre pas le salon
    .reason = Il est incomplet, ou le salon a été recréé depuis son envoi.
    .next = Redemandez le lien et ouvrez-le en entier.
notice-words-busy = Le salon n’accepte pas de mots pour l’instant
    .reason = Quelqu’un a essayé de faux mots ; l’appareil qui a créé le salon garde donc la porte fermée un moment.
    .next = Réessayez dans une minute, ou demandez le lien : il marche tout de suite.
notice-somebody-guessed = Quelqu’un a essayé de faux mots
    .reason = Une personne a mal tapé le code, ou un inconnu essaie de deviner. Personne n’est entré.
    .next = { $number ->
        [one] Relisez le code à voix haute si vous attendez quelqu’un. Après une erreur de plus, les mots changent d’eux-mêmes.
       *[other] Relisez le code à voix haute si vous attendez quelqu’un. Après { $number } erreurs de plus, les mots changent d’eux-mêmes.
    }
notice-words-changed = Votre salon a de nouveaux mots
    .reason = Il y a eu cinq erreurs ; les anciens mots ne l’ouvrent plus.
    .next = Transmettez le nouveau code. Le lien et les personnes présentes restent inchangés.
notice-room-unknown = Il n’y a pas de salon { $subject }
    .reason = Il a été fermé, il a expiré, ou son nom est mal tapé.
    .next = Vérifiez le code avec la personne qui partage et réessayez.
notice-room-taken = Le nom { $subject } est déjà pris
    .reason = Quelqu’un d’autre a un salon de ce nom.
    .next = Choisissez un autre nom.
notice-room-full = Le salon est complet
    .reason = Il n’accueille pas plus de membres.
    .next = Réessayez quand quelqu’un sera parti.
notice-room-busy = Trop de monde à la porte de ce salon
    .reason = Chacun y attend qu’on le laisse entrer.
    .next = Réessayez dans une demi-minute.
notice-host-away = La personne qui a créé ce salon est absente
    .reason = Seul son appareil peut faire entrer quelqu’un, et il n’est pas connecté en ce moment.
    .next = Demandez-lui de rouvrir la page, puis réessayez.
notice-no-answer = L’autre appareil n’a pas répondu
    .reason = Il est peut-être en veille, écran éteint, ou son réseau est lent.
    .next = Demandez qu’on le réveille, puis réessayez.
notice-rate-limited = Trop d’essais à la fois
    .reason = Le serveur ralentit les essais répétés d’un même réseau, pour écarter ceux qui cherchent à deviner.
    .next = { $number ->
        [one] Attendez { $number } seconde, puis réessayez.
       *[other] Attendez { $number } secondes, puis réessayez.
    }
notice-server-unreachable = Le serveur est injoignable
    .reason = Cet appareil est hors ligne, ou le serveur est arrêté.
    .next = Vérifiez votre connexion. Si vous partagiez, votre salon s’ouvre tout seul dès que le serveur répond. Si vous vouliez entrer dans un salon, réessayez alors.
notice-server-lost = La connexion au serveur est coupée
    .reason = Le réseau a changé ou a lâché. Ce qui est en cours continue.
    .next = Rien à faire : la connexion revient toute seule. D’ici là, personne de nouveau ne peut entrer.
notice-server-back = Le serveur est de retour
    .reason = La connexion est rétablie.
    .next = On peut de nouveau vous rejoindre.
notice-server-trouble = Le serveur ne peut pas tenir de salons pour l’instant
    .reason = Il a lui-même un problème.
    .next = Réessayez dans une minute.
notice-server-version = Cette page et le serveur ne vont pas ensemble
    .reason = L’un des deux a été mis à jour.
    .next = Rechargez la page.
notice-stray-letters = Des messages sans objet sont arrivés
    .reason = Le serveur, ou quelqu’un à la porte, les répète ou les invente.
    .next = Aucun n’a été accepté. Si cela continue, prenez un autre serveur.
notice-replaced = Ce salon continue dans une autre fenêtre
    .reason = Vous avez ouvert le même salon dans un autre onglet ou une autre fenêtre de ce navigateur.
    .next = Continuez là-bas, ou rechargez cette page pour le reprendre ici.
notice-already-open = Le salon { $subject } est ouvert dans un autre onglet
    .reason = Un navigateur ne participe qu’une fois à un salon ; cet onglet reste donc dehors.
    .next = Continuez dans l’autre onglet, ou fermez-le et rechargez cette page.
notice-pick-again = Choisissez à nouveau ce que vous partagiez
    .reason = Cette page a été rechargée, et le navigateur oublie alors ce qui était partagé. Le salon et son lien restent les mêmes ; le code a de nouveaux mots.
    .next = Choisissez les mêmes fichiers : ceux qui recevaient continuent tout seuls.
notice-keepsake-expired = Vous ne pouvez plus retourner dans { $subject }
    .reason = Le salon a été fermé, ou cela fait trop longtemps.
    .next = Demandez un nouveau code ou un nouveau lien.
notice-join-slow = L’entrée prend plus de temps que d’habitude
    .reason = Le réseau ou l’autre appareil est lent.
    .next = Gardez cette page ouverte. Au bout d’un moment, elle renonce d’elle-même et dit pourquoi.
notice-connect-slow = La connexion avec { $subject } prend plus de temps que d’habitude
    .reason = Son réseau est peut-être lent, ou gêne les connexions directes.
    .next = Gardez cette page ouverte ; d’autres chemins sont essayés.
notice-connect-failed = Pas de connexion avec { $subject }
    .reason = Vos deux réseaux ne laissent passer aucune connexion directe, et aucun relais n’a aidé.
    .next = Mettez les deux appareils sur le même réseau, ou essayez-en un autre.
notice-peer-refused = Un appareil a été refusé
    .reason = Il n’a pas prouvé qu’il connaît ce salon. Rien ne lui a été envoyé.
    .next = Si vous attendiez quelqu’un, redonnez-lui le lien.
notice-peer-violation = { $subject } a été déconnecté
    .reason = Il a envoyé ce qu’aucun programme correct n’envoie. Rien n’en a été gardé.
    .next = Demandez à cette personne de recharger la page ou de mettre l’application à jour.
notice-peer-version = { $subject } utilise une autre version
    .reason = Les deux versions ne se comprennent pas.
    .next = Rechargez la page sur les deux appareils.
notice-peer-left = { $subject } n’est plus là
    .reason = La page a été fermée, ou le salon quitté.
    .next = Ce que vous avez reçu est à vous. On peut revenir à tout moment.
notice-peer-lost = La connexion avec { $subject } est coupée
    .reason = Son réseau a lâché, ou son écran s’est éteint.
    .next = Gardez cette page ouverte : tout reprend où cela s’est arrêté, dès son retour.
notice-peer-joined = { $subject } est là
    .reason = Le code ou le lien était connu, et les deux appareils l’ont prouvé.
    .next = Vous pouvez maintenant partager l’un avec l’autre.
notice-item-gone = { $subject } n’est plus proposé
    .reason = La personne qui le partageait l’a retiré.
    .next = Demandez-lui de le partager à nouveau si vous en avez encore besoin.
notice-item-awaited = { $subject } doit être proposé à nouveau
    .reason = La page ou le programme de la personne qui partage a redémarré, et oublie alors ses fichiers.
    .next = Demandez-lui de le choisir à nouveau. Cela reprend tout seul à partir de ce qui est ici.
notice-item-received = { $subject } est arrivé
    .reason = Tout y est, identique à l’original.
    .next = Vous le trouverez là où vous avez choisi de le garder, ou dans vos téléchargements.
notice-item-sent = { $subject } est bien parvenu
    .reason = L’autre appareil a tout reçu et tout vérifié.
    .next = Vous pouvez cesser de le proposer, ou le laisser pour d’autres.
notice-paused-there = { $subject } est en pause
    .reason = La pause vient de l’autre appareil.
    .next = Cela reprendra quand il le demandera.
notice-cancelled-there = { $subject } a été annulé
    .reason = L’arrêt vient de l’autre appareil.
    .next = Posez la question si cela vous surprend.
notice-source-changed = { $subject } a changé
    .reason = Le fichier a été modifié sur l’appareil qui le partage après avoir été proposé ; ce qui arriverait serait un mélange.
    .next = Faites-le partager à nouveau.
notice-source-unreadable = { $subject } est illisible
    .reason = Le fichier a été déplacé ou supprimé sur l’appareil qui le partage, ou la lecture n’en est pas permise.
    .next = Faites-le partager à nouveau.
notice-left-out = { $subject } n’est pas proposé en entier
    .reason = { $number ->
        [one] { $number } entrée est un lien symbolique, n’est pas un fichier ordinaire ou ne peut pas être lue.
       *[other] { $number } entrées sont des liens symboliques, ne sont pas des fichiers ordinaires ou ne peuvent pas être lues.
    }
    .next = Tout le reste est proposé. Partagez à part ce qui manque.
notice-sharer-busy = { $subject } doit attendre
    .reason = L’appareil qui partage en sert déjà autant qu’il peut à la fois.
    .next = Acceptez-le à nouveau dans un instant.
notice-item-resumed = { $subject } reprend à { $number } %
    .reason = Cette partie était déjà là, et a été vérifiée à nouveau.
    .next = Rien à faire : seul le reste est transféré.
notice-piece-failed = Nouvel envoi en cours pour un morceau : { $subject }
    .reason = Il a été abîmé en chemin.
    .next = Rien à faire : ce qui est gardé est juste.
notice-item-corrupt = { $subject } n’est pas identique à l’original
    .reason = Des morceaux ont échoué à la vérification encore et encore. Rien de faux n’a été gardé.
    .next = Réessayez, ou demandez qu’on le propose à nouveau.
notice-no-space = Pas assez d’espace pour { $subject }
    .reason = Il faut { $needed }, et { $free } sont libres.
    .next = Libérez de l’espace ou choisissez un autre endroit, puis acceptez à nouveau.
notice-place-full = L’espace n’a pas suffi pour { $subject }
    .reason = Il faut { $needed } en tout.
    .next = Libérez de l’espace, puis acceptez à nouveau : cela reprend à partir de ce qui a pu être gardé.
notice-place-unwritable = { $subject } ne peut pas être enregistré là
    .reason = L’endroit n’existe plus, ou cette page n’a pas le droit d’y écrire.
    .next = Acceptez à nouveau et choisissez un autre endroit.
notice-place-not-chosen = Rien n’a été accepté
    .reason = Vous avez fermé la fenêtre sans choisir d’endroit.
    .next = Appuyez sur « Accepter » quand vous voudrez.
notice-unsafe-name = Ce que propose { $subject } a été refusé en partie
    .reason = On y trouve des noms qui pourraient nuire à cet appareil.
    .next = Demandez qu’on le renomme ou qu’on le mette dans un seul fichier.
notice-too-many = C’est trop à la fois
    .reason = { $number ->
        [one] Pas plus de { $number } à la fois.
       *[other] Pas plus de { $number } à la fois.
    }
    .next = Regroupez tout dans un seul fichier, ou partagez en plusieurs fois.
notice-too-large = { $subject } est trop grand
    .reason = C’est plus que ce qui peut être transféré.
    .next = Découpez-le en plusieurs parties.
notice-too-deep = Trop de dossiers imbriqués : { $subject }
    .reason = L’imbrication est trop profonde, ou les chemins sont trop longs pour certains appareils.
    .next = Regroupez tout dans un seul fichier et partagez-le.
notice-text-too-long = Le texte est trop long
    .reason = Il dépasse ce qui peut être partagé comme texte.
    .next = Enregistrez-le dans un fichier et partagez celui-ci.
notice-not-an-invitation = Ce n’est ni un code ni un lien
    .reason = Un code ressemble à 123456-word-word-word.
    .next = Vérifiez-le, ou collez le lien en entier.

# À la place d’un nom inconnu
somebody = un autre appareil
something = un élément
