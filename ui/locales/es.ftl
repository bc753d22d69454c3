# La página
app-tagline = Directo de dispositivo a dispositivo
language = Idioma
theme = Colores
theme-system = Como el sistema
theme-light = Claro
theme-dark = Oscuro
close = Cerrar
dismiss = Cerrar este mensaje

# Cómo se protege
protected = Cómo se protege
protected-title = Lo que compartes va directo al otro dispositivo
protected-direct = Los archivos, las carpetas y los textos viajan directamente entre los dispositivos, cifrados de extremo a extremo. El servidor solo pone en contacto los dispositivos; nunca ve contenidos, nombres ni tamaños.
protected-proof = Ambos dispositivos demuestran que conocen el código o el enlace antes de enviar un solo byte. Quien se ponga en medio no averigua nada.
protected-check = Cada parte se comprueba al llegar. Un archivo solo está listo cuando es igual al original.
protected-limit = Un límite, con sinceridad: esta página también viene de un servidor. Si no te fías de quien lo gestiona, monta el tuyo o usa la aplicación.

# Ofrecer
share-title = Comparte archivos, carpetas o texto
share-drop = Suelta aquí archivos o carpetas
share-drop-hint = Recibes un código y un enlace para pasar. Nada sale de este dispositivo hasta que alguien lo acepte.
share-more = Añade archivos o carpetas
share-more-hint = Suéltalos en cualquier parte de esta página.
point-direct = Sin subir nada
point-direct-more = Va directo de este dispositivo al otro.
point-sealed = Cifrado de extremo a extremo
point-sealed-more = El servidor solo presenta los dispositivos y no ve nada.
point-checked = Comprobado al llegar
point-checked-more = Lo que llega es igual al original; si no, se avisa.
share-let-go = Suelta para compartir
choose-files = Elegir archivos
choose-folder = Elegir carpeta

# Texto
text-title = Texto
text-placeholder = O escribe o pega un texto…
text-share = Compartir texto
text-synced = Compartido. Lo que escribes se ve al otro lado.
text-tools = Formato
text-bold = Negrita
text-italic = Cursiva
text-underline = Subrayado
text-code = Código
text-list = Lista
text-link = Enlace
text-link-address = Dirección del enlace
text-link-set = Poner enlace
text-copy = Copiar texto

# Entrar
join-title = Entrar en una sala
join-label = Código o enlace
join-placeholder = 123456-word-word-word
join-hint = Te lo da la persona que comparte.
join-missing-words = Un código es una sala y tres palabras.
join-too-many-words = Sobran palabras.
join-unknown-word = «{ $word }» no es una de las palabras que forman los códigos.
join-bad-room = Lo que va delante de las palabras no es el nombre de una sala.
join-bad-link = El enlace está incompleto. Cópialo entero.
join = Entrar
joining = Entrando…
go-back = Volver a { $room }
go-back-hint = Recordada en este dispositivo.
forget = Olvidar

# Una sala con nombre propio
wish-title = Crear una sala con nombre propio
wish-label = Nombre de la sala
wish-placeholder = our-room
wish-open = Abrir sala
wish-hint = De 3 a 63 letras a–z, cifras y guiones.
wish-checking = Comprobando…
wish-free = Este nombre está libre.
wish-taken = Este nombre ya se usa. Elige otro.
wish-invalid = Solo letras a–z, cifras y guiones, de 3 a 63, empezando por una letra o una cifra.
wish-unknown = Ahora no se puede contactar con el servidor. Puedes intentar abrir la sala de todos modos.
wish-wait = Demasiadas consultas. Espera { $seconds ->
        [one] { $seconds } segundo
       *[other] { $seconds } segundos
    } y sigue escribiendo.

# La sala
room-title = Tu sala
room-title-guest = Sala { $room }
room-opening = Creando una sala…
room-code-copy = Copiar código
room-code-say = Dilo o envía el enlace:
room-link-copy = Copiar enlace
room-qr = Código QR
room-qr-alt = Código QR del enlace de la sala
room-qr-copy = Copiar imagen
room-qr-save = Guardar imagen
room-tries = { $tries ->
        [one] Un fallo más y cambian las palabras
       *[other] { $tries } fallos más y cambian las palabras
    }
room-keep = Recordar esta sala en este dispositivo
room-keep-hint = Para volver sin código.
room-leave = Salir
room-reconnecting = No se puede contactar con el servidor. Lo que está en marcha continúa; nadie nuevo puede entrar.
copied = Copiado
saved = Guardado
copy-failed = Aquí no se permite copiar. Selecciónalo y cópialo a mano.

# Quién está
members = En esta sala
members-none = Todavía no hay nadie más
members-none-hint = Dale a alguien el código, el enlace o el código QR.
member-unnamed = Otro dispositivo
member-host = creó la sala
member-verified = Demostrado y cifrado
member-connecting = Conectando…
member-lost = Conexión perdida. Reintentando…
member-refused = Rechazado: no demostró que conoce esta sala.
path-lan = Misma red
path-lan-why = Los dos dispositivos están en la misma red; nada sale de ella.
path-direct = Directo
path-direct-why = Por internet sin paradas intermedias.
path-relay = Retransmitido
path-relay-why = Pasa por un servidor de retransmisión porque las redes impiden una conexión directa. Sigue cifrado de extremo a extremo: ese servidor no puede leerlo.
path-rtt = { $ms } ms
path-lanes = { $count } carriles

# Lo que se ofrece
items-title = Lo que se ofrece
items-empty-guest = Todavía no se ofrece nada
items-empty-guest-hint = En cuanto alguien comparta algo, aparecerá aquí.
items-waiting = Esperando la conexión
items-waiting-hint = Lo que se ofrece aparecerá aquí en un momento.
accept = Aceptar
accept-all = Aceptar todo
accept-again = Reintentar
save = Guardar
pause = Pausar
resume = Seguir
cancel = Cancelar
remove = Quitar
withdraw = Dejar de ofrecer
item-text = Texto
item-files = { $files ->
        [one] { $files } archivo
       *[other] { $files } archivos
    }
item-from = de { $name }
item-out = ofrecido por ti
item-untaken = Nadie lo ha aceptado aún
item-waiting = Esperando su turno
item-checking = Comprobando lo que ya está aquí
item-paused-here = En pausa por ti
item-paused-there = En pausa por el otro lado
item-paused = En pausa
item-verifying = Comprobando las últimas partes
item-done-in-place = Completo y comprobado, en la carpeta que elegiste
item-done = Completo y comprobado
item-failed = Detenido por un problema
item-cancelled-here = Cancelado por ti
item-cancelled-there = Cancelado por el otro lado
item-cancelled = Cancelado
item-fetching = { $count ->
        [one] { $count } dispositivo lo está recibiendo
       *[other] { $count } dispositivos lo están recibiendo
    }
item-fetched = { $count ->
        [one] recibido una vez
       *[other] recibido { $count } veces
    }
item-progress = Progreso de { $name }
item-hash = BLAKE3
storage-private = Lo que aceptas se guarda como descarga cuando está completo; una carpeta, como un solo zip. Si esta página se cierra antes, todo sigue cuando vuelvas a abrir el enlace.
storage-directory = Si esta página se cierra antes de que todo esté completo, todo sigue cuando vuelvas a abrir el enlace, siempre que el navegador tenga sitio para una segunda copia hasta entonces.
storage-memory = Este navegador no da espacio a las páginas: solo puedes aceptar cosas pequeñas, y mientras esta página siga abierta. Un navegador más nuevo o una ventana que no sea privada admite más.
app-unfinished = En la carpeta de lo recibido hay algo sin terminar: { $size }. Sigue cuando lo aceptes de nuevo y se guarda una semana.
unfinished = En este navegador hay algo sin terminar: { $size }. Sigue cuando vuelvas a abrir su enlace y se guarda una semana.
unfinished-clear = Quitarlo

# Cifras
total = En total
speed = { $amount }/s
of = { $done } de { $size }
left-moment = queda un momento
left-seconds = { $seconds ->
        [one] queda { $seconds } segundo
       *[other] quedan { $seconds } segundos
    }
left-minutes = { $minutes ->
        [one] queda { $minutes } minuto
       *[other] quedan { $minutes } minutos
    }
left-hours = quedan { $hours } h { $minutes } min

# Mensajes: qué ha pasado, por qué y qué se puede hacer.
notice-wrong-words = Estas palabras no abren la sala
    .reason = Están mal escritas, o la sala ya tiene palabras nuevas.
    .next = { $number ->
        [unknown] Compruébalas con la persona que comparte e inténtalo de nuevo.
        [0] Pide las palabras nuevas.
        [one] Compruébalas con la persona que comparte. Queda un intento antes de que cambien.
       *[other] Compruébalas con la persona que comparte. Quedan { $number } intentos antes de que cambien.
    }
notice-wrong-link = Este enlace no abre la sala
    .reason = Está incompleto, o la sala se volvió a crear después de enviarlo.
    .next = Pide otra vez el enlace y ábrelo entero.
notice-words-busy = La sala no admite palabras por un momento
    .reason = Alguien probó palabras incorrectas, así que el dispositivo que creó la sala mantiene la puerta cerrada un rato.
    .next = Inténtalo de nuevo en un minuto o pide el enlace: funciona al momento.
notice-somebody-guessed = Alguien probó palabras incorrectas
    .reason = Alguien escribió mal el código, o un desconocido intenta adivinarlo. No ha entrado nadie.
    .next = { $number ->
        [one] Vuelve a leer el código en voz alta si esperas a alguien. Tras un fallo más, las palabras cambian solas.
       *[other] Vuelve a leer el código en voz alta si esperas a alguien. Tras { $number } fallos más, las palabras cambian solas.
    }
notice-words-changed = Tu sala tiene palabras nuevas
    .reason = Hubo cinco fallos, así que las palabras anteriores ya no la abren.
    .next = Pasa el código nuevo. El enlace y quienes ya están aquí siguen igual.
notice-room-unknown = No hay ninguna sala { $subject }
    .reason = Se cerró, caducó, o su nombre está mal escrito.
    .next = Comprueba el código con la persona que comparte e inténtalo de nuevo.
notice-room-taken = El nombre { $subject } ya se usa
    .reason = Otra persona tiene una sala con este nombre.
    .next = Elige otro nombre.
notice-room-full = La sala está llena
    .reason = No caben más miembros.
    .next = Inténtalo de nuevo cuando alguien haya salido.
notice-room-busy = Hay demasiada gente a la puerta de esta sala
    .reason = Todos esperan que se les deje entrar.
    .next = Inténtalo de nuevo en medio minuto.
notice-host-away = La persona que creó esta sala no está
    .reason = Solo su dispositivo puede dejar entrar a alguien nuevo, y ahora no está conectado.
    .next = Pídele que vuelva a abrir la página e inténtalo otra vez.
notice-no-answer = El otro dispositivo no respondió
    .reason = Quizá esté en reposo, con la pantalla apagada, o su red sea lenta.
    .next = Pide que lo despierten e inténtalo de nuevo.
notice-rate-limited = Demasiados intentos seguidos
    .reason = El servidor frena los intentos repetidos desde una misma red, para que nadie adivine códigos.
    .next = { $number ->
        [one] Espera { $number } segundo e inténtalo de nuevo.
       *[other] Espera { $number } segundos e inténtalo de nuevo.
    }
notice-server-unreachable = No se puede contactar con el servidor
    .reason = Este dispositivo no tiene conexión, o el servidor está caído.
    .next = Comprueba tu conexión. Si ibas a compartir, tu sala se abre sola en cuanto el servidor responda. Si ibas a entrar en una, inténtalo entonces de nuevo.
notice-server-lost = Se cortó la conexión con el servidor
    .reason = La red cambió o falló. Lo que está en marcha continúa.
    .next = No hay que hacer nada: se vuelve a conectar sola. Hasta entonces no puede entrar nadie nuevo.
notice-server-back = El servidor ha vuelto
    .reason = La conexión funciona otra vez.
    .next = Otras personas pueden entrar como antes.
notice-server-trouble = El servidor no puede mantener salas ahora mismo
    .reason = Tiene un problema propio.
    .next = Inténtalo de nuevo en un minuto.
notice-server-version = Esta página y el servidor no encajan
    .reason = Uno de los dos se actualizó.
    .next = Vuelve a cargar la página.
notice-stray-letters = Llegaron mensajes que no encajan con nada
    .reason = El servidor, o alguien a la puerta, los repite o los inventa.
    .next = No se aceptó ninguno. Si sigue así, usa otro servidor.
notice-replaced = Esta sala sigue en otra ventana
    .reason = Abriste la misma sala en otra pestaña o ventana de este navegador.
    .next = Sigue allí, o vuelve a cargar esta página para recuperarla.
notice-already-open = La sala { $subject } está abierta en otra pestaña
    .reason = Un navegador participa una sola vez en una sala, así que esta pestaña se queda fuera.
    .next = Sigue en la otra pestaña, o ciérrala y vuelve a cargar esta página.
notice-pick-again = Vuelve a elegir lo que compartías
    .reason = Esta página se cargó de nuevo, y el navegador olvida entonces lo que se compartía. La sala y su enlace son los mismos; el código tiene palabras nuevas.
    .next = Elige otra vez los mismos archivos: quien estaba recibiendo sigue sin hacer nada.
notice-keepsake-expired = Ya no puedes volver a { $subject }
    .reason = La sala se cerró, o pasó demasiado tiempo.
    .next = Pide un código o enlace nuevo.
notice-join-slow = Entrar está tardando más de lo normal
    .reason = La red o el otro dispositivo van lentos.
    .next = Deja esta página abierta. Al cabo de un rato desiste y dice por qué.
notice-connect-slow = Conectar con { $subject } está tardando más de lo normal
    .reason = Quizá su red sea lenta o estorbe las conexiones directas.
    .next = Deja esta página abierta; se están probando otros caminos.
notice-connect-failed = No hay conexión con { $subject }
    .reason = Las dos redes no dejan pasar ninguna conexión directa, y ninguna retransmisión ayudó.
    .next = Pon los dos dispositivos en la misma red o prueba con otra.
notice-peer-refused = Se rechazó un dispositivo
    .reason = No demostró que conoce esta sala. No se le envió nada.
    .next = Si esperabas a alguien, dale otra vez el enlace.
notice-peer-violation = Se desconectó { $subject }
    .reason = Envió algo que ningún programa correcto envía. No se conservó nada de ello.
    .next = Pide a esa persona que vuelva a cargar la página o actualice la aplicación.
notice-peer-version = { $subject } usa otra versión
    .reason = Las dos versiones no se entienden.
    .next = Vuelve a cargar la página en los dos dispositivos.
notice-peer-left = { $subject } ha salido
    .reason = Se cerró la página o se abandonó la sala.
    .next = Lo que recibiste es tuyo. Puede volver cuando quiera.
notice-peer-lost = Se cortó la conexión con { $subject }
    .reason = Falló su red o se apagó su pantalla.
    .next = Deja esta página abierta: todo sigue donde se quedó en cuanto vuelva.
notice-peer-joined = { $subject } ha entrado
    .reason = Tenía el código o el enlace, y los dos dispositivos lo demostraron.
    .next = Ya se puede compartir en ambos sentidos.
notice-item-gone = { $subject } ya no se ofrece
    .reason = La persona que lo compartía lo retiró.
    .next = Pídele que lo comparta otra vez si aún lo necesitas.
notice-item-awaited = Hay que volver a ofrecer { $subject }
    .reason = La página o el programa de quien comparte se abrió de nuevo, y al abrirse olvida sus archivos.
    .next = Pídele que lo elija otra vez. Sigue por sí solo desde lo que ya hay aquí.
notice-item-received = { $subject } ya está aquí
    .reason = Está completo y es igual al original.
    .next = Lo encuentras donde elegiste guardarlo o entre tus descargas.
notice-item-sent = { $subject } ha llegado
    .reason = El otro dispositivo lo tiene entero y lo ha comprobado.
    .next = Puedes dejar de ofrecerlo o mantenerlo para otras personas.
notice-paused-there = { $subject } está en pausa
    .reason = El otro lado lo puso en pausa.
    .next = Sigue cuando el otro lado quiera.
notice-cancelled-there = Se canceló { $subject }
    .reason = El otro lado lo detuvo.
    .next = Pregunta si no lo esperabas.
notice-source-changed = { $subject } ha cambiado
    .reason = El archivo se modificó en el dispositivo de quien comparte después de ofrecerlo, así que llegaría una mezcla.
    .next = Pide que se comparta de nuevo.
notice-source-unreadable = No se puede leer { $subject }
    .reason = El archivo se movió o se borró en el dispositivo de quien comparte, o no hay permiso para leerlo.
    .next = Pide que se comparta de nuevo.
notice-left-out = Queda fuera una parte de { $subject }
    .reason = { $number ->
        [one] Una entrada es un enlace simbólico, no es un archivo normal o no se puede leer.
       *[other] { $number } entradas son enlaces simbólicos, no son archivos normales o no se pueden leer.
    }
    .next = Todo lo demás se ofrece. Comparte por separado lo que falta.
notice-sharer-busy = { $subject } tiene que esperar
    .reason = Quien comparte ya atiende a tantos como puede a la vez.
    .next = Acéptalo de nuevo en un momento.
notice-item-resumed = { $subject } sigue desde el { $number } %
    .reason = Esa parte ya estaba aquí y se ha vuelto a comprobar.
    .next = No hay que hacer nada: solo se trae el resto.
notice-piece-failed = Se vuelve a traer una parte de { $subject }
    .reason = Se dañó por el camino.
    .next = No hay que hacer nada: lo que se conserva está bien.
notice-item-corrupt = { $subject } no es igual al original
    .reason = Algunas partes no superaron la comprobación una y otra vez. No se conservó nada incorrecto.
    .next = Inténtalo de nuevo, o pide que se vuelva a ofrecer.
notice-no-space = No hay espacio suficiente para { $subject }
    .reason = Necesita { $needed } y hay { $free } libres.
    .next = Libera espacio o elige otro lugar y acéptalo de nuevo.
notice-place-full = Se acabó el espacio para { $subject }
    .reason = Necesita { $needed } en total.
    .next = Libera espacio y acéptalo de nuevo: sigue desde lo que se pudo conservar.
notice-place-unwritable = No se puede guardar ahí { $subject }
    .reason = El lugar ya no existe, o esta página no puede escribir en él.
    .next = Acéptalo de nuevo y elige otro lugar.
notice-place-not-chosen = No se aceptó nada
    .reason = Cerraste el diálogo sin elegir un lugar.
    .next = Pulsa «Aceptar» cuando quieras.
notice-unsafe-name = Se rechazó algo de { $subject }
    .reason = Tiene nombres que podrían causar daños en este dispositivo.
    .next = Pide que le cambien el nombre o lo empaqueten en un solo archivo.
notice-too-many = Es demasiado de una vez
    .reason = { $number ->
        [one] Solo se permite uno.
       *[other] Se permiten { $number } como máximo.
    }
    .next = Empaquétalo en un solo archivo o compártelo por partes.
notice-too-large = { $subject } es demasiado grande
    .reason = Es más de lo que se puede transferir.
    .next = Divídelo en partes.
notice-too-deep = Demasiadas carpetas dentro de carpetas: { $subject }
    .reason = Hay demasiados niveles, o las rutas son demasiado largas para algunos dispositivos.
    .next = Empaquétalo en un solo archivo y compártelo.
notice-text-too-long = El texto es demasiado largo
    .reason = Es más largo de lo que se puede compartir como texto.
    .next = Guárdalo como archivo y compártelo.
notice-not-an-invitation = Esto no es ni un código ni un enlace
    .reason = Un código es como 123456-word-word-word.
    .next = Compruébalo o pega el enlace entero.

# En lugar de un nombre desconocido
somebody = otro dispositivo
something = un elemento
