"""Words of customer service that mean about the same, in Portuguese, English and Spanish.

An author gives a handful of examples an intent; that "cancel", "encerrar" and "anular" are related can't be learned
from those. Folded (no accents, lower case). ``cancel*`` is every word that begins so, ``money~back`` two in a row.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_GROUPS: Final = """
invoice bill boleto* fatura* factura* invoice* bills cobranca conta
document nota nf nfe fiscal tax cupom
copy copia* copy via duplicat* novament* again resend* reenvi*
pay pag* pay* paid abon*
receipt comprovant* receipt* proof recibo transfer* deposit*
card cartao cartoes card* tarjeta* credito credit debito debit
declined recus* declin* negad* rechaz* refus* denied deny autoriz*
installment parcel* installment* cuota* vezes juros interest divid* split financ* plazos
refund reembols* refund* estorn* devoluc* devolv* money~back dinheiro~volta
order pedido* order* compra* purchase* encomend* bought comprei
package pacote* package* parcel* paquete* encomend*
cancel cancel* anul* desist* encerr* terminat* end ends ending close* closing stop* parar interrump*
delete delet* apag* exclu* remov* elimin* borr* erase tirar tira
account conta contas account* cadastro perfil profile cuenta* registr*
status status situacao andamento progress estado
track rastre* track* acompanh* localiz* seguim* where onde donde cade
late atras* late delay* demor* retras* tard* prazo overdue slow lent* waiting esperando
arrive cheg* arriv* lleg* came veio recebi receive* deliver* entreg*
delivery entreg* deliver* shipping shipment frete envi* ship ships shipped despach*
address enderec* address* direcc* cep zip rua street location*
change mud* troc* alter* cambi* chang* updat* atualiz* actualiz* edit* corrig* correct* modific* swap* switch*
data dados details detail* datos nome name telefone phone email mail numero information
pickup retir* pickup collect* buscar busco recog* pessoalmente person~pick
store loja* store* shop* filial branch* unidad* tienda* sucursal
place onde where donde fica chego chegar located near* proxim* endereco lugar mapa map get~there
open abert* abre* open* funcion* abiert* horario* hours fecha* fech* closes closed cierr*
hours horario* hours hora horas hour time sabado saturday domingo sunday feriado holiday weekend
human human* pessoa* person people agent* atendente* operador* representat* alguem someone somebody persona
human real falar talk speak hablar
robot robo* bot bots robot* machine maquina automatic*
appointment consulta* agend* appointment* booking* booked horario cita* visita visit* slot* reserv* marcad*
appointment turno
book agend* marc* book* schedul* reserv* appoint*
reschedule remarc* reagend* reschedul* postpon* adi* anteci* mov* reprogram* pospon* outro~dia another~day
price prec* price* valor* cost* custa* custo* precio* cuanto quanto how~much tabela orcament* quote*
fee taxa* fee fees tarifa* charge* cobra* cost frete~gratis
discount descont* discount* cupom coupon* promoc* promo* oferta* offer* deal* code rebaj*
stock estoque* stock* disponiv* availab* disponib* tem~em sold~out esgot* acab* left hay agot*
size tamanho* size* talla* numero color* cor cores
exchange troc* exchang* swap* cambi* replac* substitu*
broken quebr* broke* defeit* defect* damag* danific* estrag* rachad* crack* roto* dano* stopped parou turn~on
broken liga funciona~mais
work funcion* work* works working
missing falt* missing incomplet* lack* faltan* not~everything
product produt* product* item* itens articul* mercadoria* goods
warranty garant* warrant* guarant*
login login* log~in entr* acess* access* password* senha* contrasena* usuario* user* sign~in
password senha* password* contrasena* clave
locked bloque* lock* block* invalid*
unsubscribe unsubscrib* descadastr* list* lista newsletter* mensagens messages spam stop~sending receber~mais
plan plano* plan plans assinatur* subscri* pacote* package* suscrip* mensalidade
upgrade upgrad* aument* increas* bigger larger maior mejor* better melhor* mais more subir faster
renew renov* renew*
internet internet wifi wi conexao connection* rede network sinal signal banda
slow lent* slow* baixa low devagar cai caindo drop* velocidad* speed* travand* unstable instavel
technician tecnic* technician* repair* consert* fix* arrum* reparar mainten* manut*
job vaga* job* emprego* hiring hire contrat* curriculo* resume* cv trabalh* trabaj* empleo* career* position*
supplier fornec* supplier* revend* resel* parceri* partner* proveed* comercial business atacad* wholesale
supplier vender sell
complaint reclam* complain* insatisf* unhappy pessim* terribl* absurd* unacceptab* procon queja* horriv* awful
complaint bad ruim angry disappoint* inacei*
praise ador* love* otim* great excelen* excellen* parabens congrat* recomend* recommend* amei maravil*
praise wonderful satisf* good bom muito~bom perfect* perfeit*
greeting oi ola hi hello hey bom~dia boa~tarde boa~noite good~morning good~afternoon good~evening hola buenos
greeting buenas
goodbye tchau bye goodbye adeus ate~logo ate~mais see~you later obrigad* thank* thanks gracias valeu chao
goodbye so~isso that~all
allergy alerg* allerg* gluten lactos* vegan* vegetari* celiac* dairy contem contain* ingredient* diet*
urgent urgent* rapido quick* logo asap emergenc*
menu menu cardapio carta dishes dish prato* comida food
pix pix qr chave* key*
today hoje today hoy agora now amanha tomorrow manana
want~no nao~quero dont~want no~quiero
"""
_FEW_LETTERS: Final = 3


@lru_cache(maxsize=1)
def _index() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """Concepts by whole word (or two words), and by the beginning of one."""
    whole: dict[str, list[str]] = {}
    begins: dict[str, list[str]] = {}
    for line in _GROUPS.strip().splitlines():
        name, *words = line.split()
        for word in words:
            if word.endswith("*"):
                begins.setdefault(word[:-1], []).append(name)
            else:
                whole.setdefault(word.replace("~", " "), []).append(name)
    return {k: tuple(v) for k, v in whole.items()}, {k: tuple(v) for k, v in begins.items()}


@lru_cache(maxsize=4096)
def concepts_of(word: str) -> tuple[str, ...]:
    """What a folded word, or two with a space between, is about; of several beginnings the longest counts."""
    whole, begins = _index()
    found = whole.get(word, ())
    for size in range(len(word), _FEW_LETTERS - 1, -1):
        names = begins.get(word[:size])
        if names:
            return tuple(dict.fromkeys((*found, *names)))
    return found
